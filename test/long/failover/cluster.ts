import { execFile } from 'node:child_process'
import { chown, mkdtemp, readdir, rm } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'

const run = promisify(execFile)
const VERSIONS = '/usr/lib/postgresql'

/** A primary and a streaming replica, and the address that leads to whichever is the primary. */
export interface Cluster {
  /** URL of the primary, through a switch. */
  url: string
  /** Number of commits wait for the replica: all of them, or none. */
  setSynchronous(on: boolean): Promise<void>
  /** Cuts the replica off, so that what is committed from now on is lost by the next failover. */
  cutReplication(): Promise<void>
  /** Kills the primary, promotes the replica and makes a new replica of it. */
  failOver(): Promise<void>
  close(): Promise<void>
}

interface Node {
  port: number
  folder: string
}

/** Returns the folder of PostgreSQL's programs, or undefined if Debian's package is not installed. */
export async function findBinaries(): Promise<string | undefined> {
  const versions = await readdir(VERSIONS).catch(() => [])
  const newest = versions.sort((a, b) => Number(a) - Number(b)).at(-1)
  return newest && join(VERSIONS, newest, 'bin')
}

/** Starts a cluster of its own in a temporary folder. */
export async function startCluster(binaries: string): Promise<Cluster> {
  const root = await mkdtemp(join(tmpdir(), 'taskwire-cluster-'))
  const asRoot = userInfo().uid === 0
  if (asRoot) {
    const { stdout } = await run('id', ['-u', 'postgres'])
    await chown(root, Number(stdout), -1)
  }
  /** PostgreSQL refuses to run as root. */
  const execute = (program: string, ...args: string[]) => {
    const command = [join(binaries, program), ...args]
    return asRoot
      ? run('setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups', ...command])
      : run(command[0] ?? '', command.slice(1))
  }
  const ports = [await freePort(), await freePort()]
  let count = 0
  const newNode = (): Node => ({ port: ports[count % 2] ?? 0, folder: join(root, `node-${count++}`) })
  const start = ({ port, folder }: Node) =>
    execute('pg_ctl', '-D', folder, '-w', '-l', `${folder}.log`, '-o', optionsOf(port, root), 'start')
  const clone = async (from: Node): Promise<Node> => {
    const to = newNode()
    const source = `host=127.0.0.1 port=${from.port} user=postgres application_name=replica`
    await execute('pg_basebackup', '-D', to.folder, '-R', '-X', 'stream', '-c', 'fast', '-d', source)
    await start(to)
    return to
  }

  let primary = newNode()
  await execute(
    'initdb',
    '-D',
    primary.folder,
    '-U',
    'postgres',
    '-A',
    'trust',
    '--no-sync',
    '--encoding=UTF8',
    '--locale=C',
  )
  await start(primary)
  let replica = await clone(primary)
  const links = new Set<Socket>()
  const gate = createServer((client) => {
    const server = connect(primary.port, '127.0.0.1')
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      links.add(from)
      from.on('error', () => undefined)
      from.on('close', () => {
        links.delete(from)
        to.destroy()
      })
      from.pipe(to)
    }
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => gate.once('listening', resolve))

  let synchronous = false
  const configure = (node: Node, sql: readonly string[]) => withClient(node.port, sql)
  const applySynchronous = () =>
    configure(primary, [
      `ALTER SYSTEM SET synchronous_standby_names = '${synchronous ? '*' : ''}'`,
      'SELECT pg_reload_conf()',
    ])

  return {
    url: `postgres://postgres@127.0.0.1:${(gate.address() as AddressInfo).port}/postgres`,
    async setSynchronous(on) {
      synchronous = on
      await applySynchronous()
    },
    async cutReplication() {
      await configure(replica, [`ALTER SYSTEM SET primary_conninfo = ''`, 'SELECT pg_reload_conf()'])
      await untilNoReplica(primary.port)
    },
    async failOver() {
      const old = primary
      await execute('pg_ctl', '-D', old.folder, '-m', 'immediate', '-w', 'stop')
      await execute('pg_ctl', '-D', replica.folder, '-w', 'promote')
      primary = replica
      for (const link of links) link.destroy()
      // The new primary has the setting of the old one, and would wait for a replica that is not there yet.
      await withClient(primary.port, [`ALTER SYSTEM SET synchronous_standby_names = ''`, 'SELECT pg_reload_conf()'])
      await rm(old.folder, { recursive: true, force: true })
      replica = await clone(primary)
      await applySynchronous()
    },
    async close() {
      gate.close()
      for (const link of links) link.destroy()
      for (const { folder } of [replica, primary])
        await execute('pg_ctl', '-D', folder, '-m', 'immediate', '-w', 'stop').catch(() => undefined)
      await rm(root, { recursive: true, force: true })
    },
  }
}

/** Small, and without forced writes: the machine is not meant to lose power. */
function optionsOf(port: number, socketFolder: string): string {
  const settings = {
    listen_addresses: '127.0.0.1',
    max_connections: 60,
    shared_buffers: '32MB',
    fsync: 'off',
    wal_keep_size: '256MB',
    unix_socket_directories: socketFolder,
  }
  return [`-p ${port}`, ...Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`)].join(' ')
}

async function withClient(port: number, statements: readonly string[]): Promise<pg.QueryResult | undefined> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' })
  await client.connect()
  try {
    let last: pg.QueryResult | undefined
    for (const sql of statements) last = await client.query(sql)
    return last
  } finally {
    await client.end()
  }
}

async function untilNoReplica(port: number): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const found = await withClient(port, ['SELECT FROM pg_stat_replication'])
    if (found?.rowCount === 0) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('the replica still follows')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
