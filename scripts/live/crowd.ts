import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Following, Order, Report } from './followers.ts'

/** Followers in a process of their own. */
export interface Crowd {
  follow(following: Following[]): Promise<void>
  report(): Promise<Report>
  stall(): Promise<void>
  resume(): Promise<void>
  close(): Promise<void>
}

export function startCrowd(): Crowd {
  const child = fork(fileURLToPath(new URL('followers.ts', import.meta.url)))
  const tell = (order: Order) => ask(child, order)
  return {
    follow: async (following) => void (await tell({ do: 'follow', following })),
    report: async () => (await tell({ do: 'report' })) as Report,
    stall: async () => void (await tell({ do: 'stall' })),
    resume: async () => void (await tell({ do: 'resume' })),
    async close() {
      await tell({ do: 'close' })
      child.disconnect()
      await once(child, 'exit')
    },
  }
}

/** Sends an order and waits for the answer. */
export function ask(child: ChildProcess, order: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const answered = (message: unknown) => {
      child.off('exit', died)
      resolve(message)
    }
    const died = (code: number | null) => reject(new Error(`a process of the load ended with ${code}`))
    child.once('message', answered)
    child.once('exit', died)
    child.send(order)
  })
}

export const websocketUrl = (url: string) => `${url.replace('http', 'ws')}/graphql`

/** Resident memory of a process, MiB. */
export function memoryOf(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kilobytes) / 1024
}

/** Processor time that a process has used, milliseconds. */
export function processorOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  // utime and stime, in ticks of 10 ms (proc(5)).
  return (Number(fields[11]) + Number(fields[12])) * 10
}

export const percentile = (values: readonly number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? Number.NaN
