import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A PgBouncer or HAProxy of a test. */
export interface ProxyProcess {
  ports: number[]
  /** Everything that it has logged. */
  readonly output: string
  stop(): Promise<void>
}

const PAGE = new URL('../../docs/high-availability.md', import.meta.url)

/** Returns a configuration file that the documentation shows. */
export function documented(file: string): string {
  const found = new RegExp(`^\`\`\`\\w+\\n[;#] ${RegExp.escape(file)}\\n(.*?)^\`\`\``, 'ms').exec(
    readFileSync(PAGE, 'utf8'),
  )
  if (!found?.[1]) throw new Error(`docs/high-availability.md does not show ${file}`)
  return found[1]
}

/** Replaces exactly one occurrence. */
export function replaced(text: string, old: string, by: string): string {
  if (text.split(old).length !== 2) throw new Error(`docs/high-availability.md must have this once: ${old}`)
  return text.replace(old, () => by)
}

/** Checks for a program, and says loudly if tests will be skipped without it. */
export function isInstalled(program: 'pgbouncer' | 'haproxy'): boolean {
  try {
    execFileSync('sh', ['-c', `PATH=$PATH:/usr/sbin command -v ${program}`], { stdio: 'ignore' })
    return true
  } catch {
    console.warn(`\n## NO ${program.toUpperCase()}: skipping its tests. apt-get install ${program} ##\n`)
    return false
  }
}

/** Finds ports that are free now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}

/** Starts the documented PgBouncer in front of a PostgreSQL whose passwords it need not know. */
export async function startPgbouncer(target: string, extra = ''): Promise<ProxyProcess> {
  const { hostname, port, username } = new URL(target)
  const [own = 0] = await freePorts(1)
  return start('pgbouncer', 'pgbouncer.ini', own, (folder) => {
    const users = join(folder, 'users.txt')
    writeFileSync(users, `"${username || 'postgres'}" ""\n`, { mode: 0o644 })
    let text = documented('pgbouncer.ini')
    text = replaced(text, '* = host=127.0.0.1 port=5432', `* = host=${hostname} port=${port || 5432}`)
    text = replaced(text, 'listen_port = 6432', `listen_port = ${own}`)
    text = replaced(text, 'auth_type = scram-sha-256', 'auth_type = trust')
    text = replaced(
      text,
      'auth_file = /etc/pgbouncer/userlist.txt',
      `auth_file = ${users}\nauth_user = ${username || 'postgres'}`,
    )
    return `${text}unix_socket_dir =\n${extra}\n`
  })
}

/** Starts HAProxy with a configuration, and waits until it accepts connections on all ports. */
export const startHaproxy = (text: string, ports: readonly number[]): Promise<ProxyProcess> =>
  start('haproxy', 'haproxy.cfg', ports, () => text)

const ARGUMENTS = { pgbouncer: (file: string) => [file], haproxy: (file: string) => ['-db', '-f', file] }

async function start(
  program: keyof typeof ARGUMENTS,
  file: string,
  ports: number | readonly number[],
  configuration: (folder: string) => string,
): Promise<ProxyProcess> {
  const folder = mkdtempSync(join(tmpdir(), `tw-${program}-`))
  chmodSync(folder, 0o755)
  const path = join(folder, file)
  writeFileSync(path, configuration(folder), { mode: 0o644 })
  // PgBouncer refuses to run as root.
  const asOther = program === 'pgbouncer' && process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {}
  const child = spawn(program, ARGUMENTS[program](path), {
    ...asOther,
    env: { PATH: `${process.env.PATH}:/usr/sbin` },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += String(chunk)))
  const all = typeof ports === 'number' ? [ports] : [...ports]
  await accepting(child, all, () => output)
  return {
    ports: all,
    get output() {
      return output
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, 'exit')
        child.kill('SIGKILL')
        await ended
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const idOf = (option: '-u' | '-g') => Number(execFileSync('id', [option, 'nobody'], { encoding: 'utf8' }))

/** Waits until all ports accept connections. Rejects with the output if the program ends. */
async function accepting(child: ChildProcess, ports: readonly number[], output: () => string): Promise<void> {
  for (const port of ports) {
    while (!(await accepts(port))) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`it has ended: ${output()}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const open = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  })
  socket.destroy()
  return open
}
