import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export interface LoadedServer {
  url: string
  pid: number | undefined
  /** What the process uses once its garbage is collected. */
  memory(): Promise<NodeJS.MemoryUsage>
  /** Ends it, by SIGTERM unless told; resolves when it has ended, and at once where it had before. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

/** Starts `node src/main.ts` on a free port, unless `settings` names one, and waits until it says where. */
export async function startProcess(settings: Record<string, string>): Promise<LoadedServer> {
  const child = spawn(process.execPath, ['--expose-gc', '--import', './scripts/load/measured.ts', 'src/main.ts'], {
    cwd: ROOT,
    env: { ...process.env, PORT: '0', LOG_LEVEL: 'info', ...settings },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const url = await new Promise<string>((resolve, reject) => {
    let output = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      output += String(chunk)
      const found = /"url":"([^"]+)"/.exec(output)?.[1]
      if (found) resolve(found)
    })
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${output}`)))
  })
  return {
    url,
    pid: child.pid,
    async memory() {
      child.send('memory?')
      const [usage] = await once(child, 'message')
      return usage as NodeJS.MemoryUsage
    },
    async stop(signal = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill(signal)
      await ended
    },
  }
}
