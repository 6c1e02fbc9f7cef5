import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Command, Following, Report } from './crowd-followers.ts'

/** Subscribers over websockets, in a process of their own. */
export interface Crowd {
  follow(following: Following[]): Promise<void>
  report(): Promise<Report>
  stall(): Promise<void>
  resume(): Promise<void>
  close(): Promise<void>
}

export function startCrowd(): Crowd {
  const child = fork(fileURLToPath(new URL('crowd-followers.ts', import.meta.url)))
  const send = (command: Command) => request(child, command)
  return {
    follow: async (following) => void (await send({ do: 'follow', following })),
    report: async () => (await send({ do: 'report' })) as Report,
    stall: async () => void (await send({ do: 'stall' })),
    resume: async () => void (await send({ do: 'resume' })),
    async close() {
      await send({ do: 'close' })
      child.disconnect()
      await once(child, 'exit')
    },
  }
}

/** Sends a command to a child process and waits for its answer. */
export function request(child: ChildProcess, command: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const answered = (message: unknown) => {
      child.off('exit', died)
      resolve(message)
    }
    const died = (code: number | null) => reject(new Error(`the subscriber process exited with code ${code}`))
    child.once('message', answered)
    child.once('exit', died)
    child.send(command)
  })
}

export const websocketUrl = (url: string) => `${url.replace('http', 'ws')}/graphql`

export const percentile = (values: readonly number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? Number.NaN
