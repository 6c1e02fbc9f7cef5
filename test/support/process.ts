import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { printedUrl } from './printed-url.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export interface ServerProcess {
  url: string
  kill(signal: NodeJS.Signals): Promise<void>
}

/** Starts `node src/main.ts` and waits until it is ready. Killed at the end of the test. */
export async function serverProcess(settings: Record<string, string>): Promise<ServerProcess> {
  const child = launch({ PORT: '0', LOG_LEVEL: 'info', ...settings })
  const url = await printedUrl(child)
  while (!(await fetch(`${url}/readyz`)).ok);
  return {
    url,
    async kill(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill(signal)
      await ended
    },
  }
}

/** Starts a server, or another command, that must end. Returns its exit code and output. */
export async function failingServer(
  settings: Record<string, string>,
  command?: readonly [string, ...string[]],
): Promise<{ code: number | null; output: string }> {
  const child = launch({ PORT: '0', LOG_LEVEL: 'info', ...settings }, command)
  const output = gather(child)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output: output.text }
}

function launch(
  settings: Record<string, string>,
  [file, ...options]: readonly [string, ...string[]] = [process.execPath, 'src/main.ts'],
): ChildProcess {
  const { DATABASE_URL: _url, DATA_DIR: _dir, JWT_SECRET: _secret, ...environment } = process.env
  const child = spawn(file, options, { cwd: ROOT, env: { ...environment, ...settings } })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

function gather(child: ChildProcess): { text: string } {
  const output = { text: '' }
  const add = (chunk: Buffer) => {
    output.text += String(chunk)
  }
  child.stdout?.on('data', add)
  child.stderr?.on('data', add)
  return output
}
