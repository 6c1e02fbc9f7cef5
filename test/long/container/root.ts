import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'

/** What a process sees as its file system, its user and its environment. */
export interface Root {
  /** Laid over the machine's own root. Changes go here. */
  files: string
  /** A folder of its own on the same file system, to mount it. */
  place: string
  readOnly?: boolean
  /** Folders of this machine that can be written, by their path inside. */
  volumes?: Readonly<Record<string, string>>
  workdir: string
  /** A name of /etc/passwd inside. */
  user: string
  env: Readonly<Record<string, string>>
  /** `offline` has only the loopback interface; another one is a namespace that `ip netns` knows. */
  network?: 'offline' | `/run/netns/${string}`
}

/**
 * Starts a program in a mount namespace of its own, with another root. The process id is that of the
 * program. A user other than root gets no capabilities and cannot gain any.
 */
export function startIn(root: Root, command: readonly string[], options: SpawnOptions = {}): ChildProcess {
  const at = `${root.place}/root`
  const work = `${root.place}/work`
  const script = [
    'set -eu',
    ...(root.network === 'offline' ? ['ip link set lo up'] : []),
    `mkdir -p ${at} ${work}`,
    `mount -t overlay overlay -o ${root.readOnly ? 'ro,' : ''}lowerdir=/,upperdir=${root.files},workdir=${work} ${at}`,
    `mount -t proc proc ${at}/proc`,
    `mount --rbind /dev ${at}/dev`,
    `mount -t tmpfs -o mode=1777 tmpfs ${at}/tmp`,
    ...Object.entries(root.volumes ?? {}).map(([path, folder]) => `mount --bind ${folder} ${at}${path}`),
    `exec chroot ${at} /usr/bin/env -i "$@"`,
  ].join('\n')
  const inside = [
    ...Object.entries({ PATH: '/usr/local/bin:/usr/bin:/bin', ...root.env }).map(([name, value]) => `${name}=${value}`),
    '/usr/bin/env',
    `--chdir=${root.workdir}`,
    ...(root.user === 'root' ? [] : UNPRIVILEGED(root.user)),
    ...command,
  ]
  const network = root.network === undefined ? [] : root.network === 'offline' ? ['--net'] : [`--net=${root.network}`]
  // nsenter and unshare become the program that they start, so that signals reach it.
  const [enter, ...more] = root.network?.startsWith('/') ? ['nsenter', ...network, 'unshare'] : ['unshare', ...network]
  return spawn(enter, [...more, '--mount', 'sh', '-c', script, 'sh', ...inside], options)
}

const UNPRIVILEGED = (user: string) => [
  '/usr/bin/setpriv',
  `--reuid=${user}`,
  `--regid=${user}`,
  '--clear-groups',
  '--no-new-privs',
  '--inh-caps=-all',
  '--bounding-set=-all',
]

/** Runs a program to its end. Throws with its output if it fails. */
export async function runIn(root: Root, command: readonly string[]): Promise<void> {
  const child = startIn(root, command, { stdio: ['ignore', 'pipe', 'pipe'] })
  const output: Buffer[] = []
  child.stdout?.on('data', (chunk) => output.push(chunk))
  child.stderr?.on('data', (chunk) => output.push(chunk))
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`exit code ${code} of ${command.join(' ')}\n${Buffer.concat(output)}`)
}

/** Runs a program beside a process that `startIn` started, like `docker exec`. Resolves with its exit code. */
export async function runBeside(pid: number, { workdir, user, env }: Root, command: readonly string[]) {
  const set = Object.entries({ PATH: '/usr/local/bin:/usr/bin:/bin', ...env }).map(
    ([name, value]) => `${name}=${value}`,
  )
  const inside = ['/usr/bin/env', '-i', ...set, `--chdir=${workdir}`, ...UNPRIVILEGED(user), ...command]
  const entered = ['--target', String(pid), '--mount', '--net', '--root']
  const child = spawn('nsenter', [...entered, ...inside], { stdio: ['ignore', 'ignore', 'ignore'] })
  const [code] = await once(child, 'exit')
  return code as number
}
