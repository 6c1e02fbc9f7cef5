import { constants } from 'node:fs'
import { access, stat, statfs } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Config } from '../../config.ts'
import { IN_MEMORY } from '../../database/embedded.ts'
import { attachmentsFolder } from '../open-files.ts'
import { isTaskwire, portProblem } from '../port.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

/** Less free space than this is a problem: PostgreSQL and uploads fail without any. */
const LEAST_FREE_BYTES = 256 * 2 ** 20
const FEW_FREE_BYTES = 2 * 2 ** 30

/** Checks the folders of the data and of the attachments: rights, modes and free space. */
export async function checkFolders(config: Config): Promise<Finding[]> {
  if (config.DATA_DIR === IN_MEMORY) {
    return [warning('DATA_DIR', 'is memory://: all data is lost on exit', 'Set DATA_DIR to a folder, or DATABASE_URL.')]
  }
  const folders = { DATA_DIR: config.DATA_DIR, ATTACHMENTS_DIR: attachmentsFolder(config) }
  const checks = Object.entries(folders).map(([setting, folder]) => checkFolder(setting, resolve(folder)))
  return (await Promise.all(checks)).flat()
}

async function checkFolder(setting: string, folder: string): Promise<Finding[]> {
  const found = await stat(folder).catch(() => undefined)
  if (!found) {
    const parent = dirname(folder)
    if (parent !== folder) return checkFolder(setting, parent)
    return [problem(setting, `${folder} does not exist`, 'Create it, owned by the user of the server.')]
  }
  if (!found.isDirectory()) return [problem(setting, `${folder} is not a folder`, `Set ${setting} to a folder.`)]
  const findings: Finding[] = []
  try {
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch {
    const remedy = `Give it to the user of the server: chown ${process.getuid?.()} ${folder}; chmod 700 ${folder}`
    findings.push(problem(setting, `${folder} cannot be written`, remedy))
  }
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  const text = `${folder} has ${Math.round(free / 2 ** 20)} MiB free`
  const remedy = 'Free some space, or move the folder to a larger disk.'
  if (free < LEAST_FREE_BYTES) findings.push(problem(setting, text, remedy))
  else if (free < FEW_FREE_BYTES) findings.push(warning(setting, text, remedy))
  else findings.push(ok(setting, text))
  return findings
}

/** Checks that the server could listen. A port in use may be that of a server that runs. */
export async function checkPort({ PORT, HOST }: Config): Promise<Finding[]> {
  const code = await portProblem({ PORT, HOST })
  if (code === undefined) return [ok('PORT', `${PORT} on ${HOST} is free`)]
  if (code === 'EADDRINUSE') {
    if (await isTaskwire({ PORT, HOST })) return [ok('PORT', `${PORT} is in use by a Taskwire server that runs`)]
    return [problem('PORT', `${PORT} is in use by another program`, 'Stop that program, or set PORT to a free port.')]
  }
  if (code === 'EADDRNOTAVAIL') {
    return [
      problem('HOST', `this machine has no address ${HOST}`, 'Set HOST to an address of this machine, or to 0.0.0.0.'),
    ]
  }
  return [problem('PORT', `cannot listen on ${PORT}: ${code}`, 'Set PORT to a port above 1023.')]
}
