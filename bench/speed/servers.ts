/** The servers that are compared, each a process of its own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { translate } from './postgraphile-documents.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const RESULTS = fileURLToPath(new URL('results/', import.meta.url))

/** Signs the access tokens of all servers. */
export const JWT_SECRET = 'a secret that only the benchmark uses'

const START_LIMIT_MS = 20_000
const STOP_LIMIT_MS = 5_000

export type Protocol = 'graphql' | 'rest'

export interface Server {
  name: string
  script: string
  protocols: readonly Protocol[]
  /** Translates the body of a request if the server has names of its own. */
  translate?: (body: object) => object
  /** What it does not refuse as Taskwire does. */
  checksLess?: string
  /** Settings besides those that all servers get. */
  environment?: Readonly<Record<string, string>>
}

export const TASKWIRE: Server = { name: 'taskwire', script: 'src/main.ts', protocols: ['graphql', 'rest'] }

export const PEERS: readonly Server[] = [
  { name: 'mercurius', script: 'bench/speed/peers/mercurius.ts', protocols: ['graphql'] },
  { name: 'fastify-rest', script: 'bench/speed/peers/fastify-rest.ts', protocols: ['rest'] },
  { name: 'apollo', script: 'bench/speed/peers/apollo.ts', protocols: ['graphql'] },
  { name: 'stock', script: 'bench/speed/peers/stock.ts', protocols: ['graphql', 'rest'] },
  {
    name: 'postgraphile',
    script: 'bench/speed/peers/postgraphile.ts',
    protocols: ['graphql'],
    translate,
    checksLess: 'without a token, or for a hidden project, a list is empty instead of refused',
  },
]

export interface RunningServer {
  url: string
  /** Milliseconds of CPU that the process has used. NaN except on Linux. */
  cpuTime(): Promise<number>
  /** Waits for the process to exit. Kills it if it does not stop in time. */
  stop(): Promise<void>
}

/** Starts a server and waits until it answers. Its output goes to results/NAME.log. */
export async function startServer({ name, script, environment }: Server, databaseUrl: string): Promise<RunningServer> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  await mkdir(RESULTS, { recursive: true })
  const log = await open(`${RESULTS}${name}.log`, 'w')
  const child = spawn(process.execPath, [script], {
    cwd: ROOT,
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: String(port),
      DATABASE_URL: databaseUrl,
      JWT_SECRET,
      RATE_LIMIT: 'off',
      ...environment,
    },
    stdio: ['ignore', log.fd, log.fd],
  })
  const exited = once(child, 'exit')
  await log.close()
  const deadline = Date.now() + START_LIMIT_MS
  while (!(await answers(url))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`${name} did not start. See bench/speed/results/${name}.log.`)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return {
    url,
    cpuTime: () => cpuTimeOf(child.pid),
    async stop() {
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS)
      await exited
      clearTimeout(late)
    },
  }
}

/** Milliseconds of one tick in /proc/PID/stat. */
const TICK_MS = 10

async function cpuTimeOf(pid: number | undefined): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The name, in brackets, may contain spaces. User and system time are the 12th and 13th field
  // after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return TICK_MS * (Number(fields[11]) + Number(fields[12]))
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    async (response) => {
      await response.arrayBuffer()
      return true
    },
    () => false,
  )
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}
