import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { printedUrl } from './printed-url.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export interface MeasuredServer {
  url: string
  pid: number | undefined
  /** Returns the memory in use after a garbage collection. */
  memory(): Promise<NodeJS.MemoryUsage>
  /** Returns the milliseconds of CPU so far. */
  cpu(): Promise<number>
  /** Returns the lines that were logged as errors. */
  errors(): string[]
  /** Returns the bytes of objects that have survived collections of young objects. */
  survivors(): Promise<number>
  /**
   * Returns the CPU time of the main thread so far, and how late its event loop was since the last
   * call: the longest delay and the 99th percentile.
   */
  load(): Promise<{ cpuMs: number; delayMs: number; delayP99Ms: number }>
  /** Sends the signal (SIGTERM by default) and resolves when the process has exited. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

/** Runs `node src/main.ts` and waits for its URL. Uses a free port unless `settings` sets one. */
export async function startMeasuredServer(settings: Record<string, string>): Promise<MeasuredServer> {
  const child = spawn(
    process.execPath,
    ['--expose-gc', '--import', './test/support/measured-server-hook.ts', 'src/main.ts'],
    {
      cwd: ROOT,
      env: { ...process.env, PORT: '0', LOG_LEVEL: 'info', ...settings },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    },
  )
  const errors: string[] = []
  child.stdout?.on('data', (chunk: Buffer) => {
    for (const line of String(chunk).split('\n')) if (/"level":[56]0/.test(line)) errors.push(line)
  })
  const url = await printedUrl(child)
  async function ask<Answer>(question: string): Promise<Answer> {
    child.send(question)
    const [answer] = await once(child, 'message')
    return answer as Answer
  }
  return {
    url,
    pid: child.pid,
    cpu: () => ask<number>('cpu'),
    errors: () => errors,
    memory: () => ask<NodeJS.MemoryUsage>('memory'),
    survivors: () => ask<number>('survivors'),
    load: () => ask<{ cpuMs: number; delayMs: number; delayP99Ms: number }>('load'),
    async stop(signal = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill(signal)
      await ended
    },
  }
}
