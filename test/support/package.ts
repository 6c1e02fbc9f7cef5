import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Runs a program and returns what it printed. Rejects with its output if it fails. */
export async function output(cwd: string, program: string, ...args: string[]): Promise<string> {
  try {
    return (await run(program, args, { cwd, maxBuffer: 100_000_000 })).stdout
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string }
    throw new Error(`${message}\n${stdout}\n${stderr}`)
  }
}

/** Builds the project and packs it into a new folder, as `npm publish` would. */
export async function packPackage() {
  const folder = await mkdtemp(join(tmpdir(), 'tw-package-'))
  await output(ROOT, process.execPath, 'tools/build.ts')
  // Its scripts would generate the Prisma client again, while other tests load it.
  const options = ['--ignore-scripts', '--json', '--pack-destination', folder]
  const [packed] = JSON.parse(await output(ROOT, 'npm', 'pack', ...options))
  const files: string[] = packed.files.map(({ path }: { path: string }) => path)
  return { folder, tarball: join(folder, packed.filename), files }
}

/**
 * Puts the packed files below node_modules, beside links to the packages of this repository. Like
 * an installation, but without a registry and in a second.
 */
export async function unpackPackage({ folder, tarball }: { folder: string; tarball: string }): Promise<void> {
  const installed = join(folder, 'node_modules/taskwire')
  await mkdir(installed, { recursive: true })
  await output(folder, 'tar', '-xzf', tarball, '--strip-components=1', '-C', installed)
  const { dependencies } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'))
  for (const name of [...Object.keys(dependencies), '@types/node']) {
    const link = join(folder, 'node_modules', name)
    await mkdir(dirname(link), { recursive: true })
    await symlink(join(ROOT, 'node_modules', name), link)
  }
}
