import assert from 'node:assert/strict'
import { copyFileSync, cpSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import { type Instruction, parseCommand, parseDockerfile, parseEnv, readIgnore, type Stage } from './dockerfile.ts'
import { runIn } from './root.ts'

const CONTEXT = resolve(import.meta.dirname, '../../..')

export interface Image {
  /** Folder with its files. */
  files: string
  workdir: string
  user: string
  env: Record<string, string>
  volumes: string[]
  command: string[]
  health: { command: string[]; timeoutMs: number }
}

/**
 * Replays the Dockerfile in a folder, without Docker. The image that it names is replaced by this
 * machine's system with the running version of Node, and with the user `node` that the image has.
 */
export async function replay(folder: string): Promise<Image> {
  const stages = parseDockerfile(readFileSync(join(CONTEXT, 'Dockerfile'), 'utf8'))
  const built = new Map<string, Image>()
  for (const stage of stages)
    built.set(stage.name, await replayStage(stage, join(folder, `stage-${stage.name}`), built))
  const last = built.get(stages.at(-1)?.name ?? '')
  assert(last)
  return last
}

async function replayStage(stage: Stage, place: string, built: Map<string, Image>): Promise<Image> {
  const base = `node:${process.versions.node.split('.')[0]}-slim`
  assert.equal(stage.base, base, 'Run this with the version of Node that the Dockerfile names.')
  const image: Image = { ...EMPTY, files: join(place, 'files') }
  addBase(image.files)
  for (const step of stage.steps) {
    const { name, flags, text } = step
    const started = performance.now()
    if (name === 'RUN') {
      const env = { HOME: image.user === 'root' ? '/root' : '/home/node', ...image.env }
      const network = flags.network === 'none' ? ({ network: 'offline' } as const) : {}
      await runIn({ ...image, place, volumes: {}, env, ...network }, ['sh', '-c', text])
    } else if (name === 'COPY') copy(step, image, built)
    else declare(step, image)
    const took = performance.now() - started
    if (took > 500) console.log(`  ${(took / 1000).toFixed(1)} s  ${stage.name}: ${name} ${text.slice(0, 80)}`)
  }
  return image
}

/** Adds what the base image has and this machine may lack. */
function addBase(files: string): void {
  mkdirSync(join(files, 'usr/local/bin'), { recursive: true })
  mkdirSync(join(files, 'etc'))
  copyFileSync(process.execPath, join(files, 'usr/local/bin/node'))
  const add = (file: string, line: string) =>
    writeFileSync(join(files, file), `${readFileSync(`/${file}`, 'utf8').replaceAll(/^.*:1000:.*\n/gm, '')}${line}\n`)
  add('etc/passwd', 'node:x:1000:1000::/home/node:/bin/bash')
  add('etc/group', 'node:x:1000:')
}

const EMPTY: Omit<Image, 'files'> = {
  workdir: '/',
  user: 'root',
  env: {},
  volumes: [],
  command: [],
  health: { command: [], timeoutMs: 30_000 },
}

/** Takes over what an instruction says about the image. */
function declare({ name, flags, text }: Instruction, image: Image): void {
  switch (name) {
    case 'WORKDIR':
      image.workdir = resolve(image.workdir, text)
      mkdirSync(join(image.files, image.workdir), { recursive: true })
      return
    case 'ENV':
      image.env = { ...image.env, ...parseEnv(text) }
      return
    case 'USER':
      image.user = text
      return
    case 'VOLUME':
      image.volumes = [...image.volumes, text]
      return
    case 'CMD':
      image.command = parseCommand(text)
      return
    case 'HEALTHCHECK': {
      const seconds = /^(\d+)s$/.exec(flags.timeout ?? '')?.[1]
      assert(seconds, 'HEALTHCHECK needs --timeout in seconds')
      image.health = { command: parseCommand(text.replace(/^CMD /, '')), timeoutMs: Number(seconds) * 1000 }
      return
    }
    case 'EXPOSE':
      return
    default:
      throw new Error(`This replay does not know ${name}`)
  }
}

/** Copies files from the build context, as .dockerignore leaves it, or from an earlier stage. */
function copy({ flags, text }: Instruction, image: Image, built: Map<string, Image>): void {
  const paths = text.split(/\s+/)
  const target = paths.pop() ?? ''
  const isFolder = target.endsWith('/') || paths.length > 1
  const earlier = flags.from === undefined ? undefined : built.get(flags.from)?.files
  assert(flags.from === undefined || earlier, `There is no stage ${flags.from}`)
  const source = earlier ?? CONTEXT
  const ignored = earlier ? () => false : readIgnore(readFileSync(join(CONTEXT, '.dockerignore'), 'utf8'))
  for (const path of paths) {
    const from = join(source, path)
    const keep = (file: string) => file === from || !ignored(relative(source, file))
    assert(keep(from) && !ignored(relative(source, from)), `.dockerignore keeps ${path} out of the build`)
    const to = join(
      image.files,
      resolve(image.workdir, target),
      isFolder && statSync(from).isFile() ? basename(path) : '',
    )
    cpSync(from, to, { recursive: true, filter: keep, verbatimSymlinks: true })
  }
}
