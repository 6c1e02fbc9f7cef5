/**
 * node test/long/container.ts [FOLDER]
 *
 * Replays the steps of the Dockerfile without Docker, and runs what they make like a container: with a
 * read-only root, as an unprivileged user without capabilities, and writing only to /data and /tmp. Then
 * runs the services of compose.yaml. Needs root on Linux, npm's registry or its cache, PostgreSQL and
 * HAProxy. Prints what it measured and a verdict; exit code 1 on failure. With FOLDER, the image is left
 * there.
 *
 * The base image is not the published one: this machine's system stands in for it. So this checks our
 * steps, files and settings, not the image that a Docker engine would make.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkImage } from './container/checks.ts'
import { replay } from './container/image.ts'
import { sizesByPackage } from './container/sizes.ts'
import { checkTopology } from './container/topology.ts'

const LIMIT_MB = 150
const MB = 1024 * 1024

const [kept] = process.argv.slice(2)
const folder = kept ?? mkdtempSync(join(tmpdir(), 'taskwire-container-'))
mkdirSync(folder, { recursive: true })
try {
  console.log('replay of the Dockerfile, with this machine in place of the base image:')
  const image = await replay(folder)
  checkSize(join(image.files, image.workdir, 'node_modules'))
  await checkImage(image, folder)
  await checkTopology(image, folder)
  console.log('container: ok (the steps were replayed; no Docker engine built or ran an image)')
} catch (error) {
  console.error(error, '\ncontainer: FAILED')
  process.exitCode = 1
} finally {
  if (!kept) rmSync(folder, { recursive: true, force: true })
}

function checkSize(nodeModules: string): void {
  const sizes = sizesByPackage(nodeModules)
  const total = sizes.reduce((sum, [, bytes]) => sum + bytes, 0)
  console.log(`node_modules: ${(total / MB).toFixed(1)} MB in ${sizes.length} packages`)
  for (const [name, bytes] of sizes.filter(([, size]) => size >= 2 * MB))
    console.log(`  ${(bytes / MB).toFixed(1).padStart(5)} MB ${name}`)
  if (total > LIMIT_MB * MB) throw new Error(`node_modules takes more than ${LIMIT_MB} MB. Find out what is new in it.`)
}
