import { setTimeout as wait } from 'node:timers/promises'
import { type MeasuredServer, startMeasuredServer } from '../../support/measured-server.ts'
import type { World } from '../../support/world.ts'

/** A server that can be killed and restarted at the same address. */
export interface RestartableServer {
  readonly url: string
  /** Number of writes in flight. */
  writing: number
  /** Sends SIGKILL, waits, and starts the server again, until the next time with other settings. */
  kill(pauseMs: number, otherSettings?: Record<string, string>): Promise<void>
  stop(signal?: NodeJS.Signals): Promise<void>
}

/** Attempts to restart: another process may hold the port for a moment. */
const MAX_STARTS = 20

export async function startServers(world: World, count: number): Promise<RestartableServer[]> {
  const servers = [restartable(world.server, world.settings)]
  while (servers.length < count) servers.push(restartable(await startMeasuredServer(world.settings), world.settings))
  return servers
}

/** Lets a running server be killed and started again. */
export function restartable(first: MeasuredServer, settings: Record<string, string>): RestartableServer {
  const { url } = first
  let current = first
  return {
    url,
    writing: 0,
    async kill(pauseMs, otherSettings = {}) {
      await current.stop('SIGKILL')
      await wait(pauseMs)
      for (let tries = 1; ; tries++) {
        try {
          current = await startMeasuredServer({ ...settings, ...otherSettings, PORT: new URL(url).port })
          return
        } catch (error) {
          if (tries === MAX_STARTS || !String(error).includes('in use')) throw error
          await wait(100)
        }
      }
    },
    stop: (signal) => current.stop(signal),
  }
}
