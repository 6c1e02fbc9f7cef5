import { setTimeout as wait } from 'node:timers/promises'
import { type LoadedServer, startProcess } from '../../load/server-process.ts'
import type { World } from '../world.ts'

/** A server that is killed and comes back at the same address. */
export interface MortalServer {
  readonly url: string
  /** Writes it has been sent and has not answered. */
  writing: number
  /** Kills it with -9 and starts it again. */
  kill(pauseMs: number): Promise<void>
  stop(): Promise<void>
}

/** Somebody else may be given the port meanwhile. */
const MOST_STARTS = 20

export async function startServers(world: World, count: number): Promise<MortalServer[]> {
  const servers = [mortal(world.server, world.settings)]
  while (servers.length < count) servers.push(mortal(await startProcess(world.settings), world.settings))
  return servers
}

function mortal(first: LoadedServer, settings: Record<string, string>): MortalServer {
  const { url } = first
  let current = first
  return {
    url,
    writing: 0,
    async kill(pauseMs) {
      await current.stop('SIGKILL')
      await wait(pauseMs)
      for (let tries = 1; ; tries++) {
        try {
          current = await startProcess({ ...settings, PORT: new URL(url).port, LOG_LEVEL: 'info' })
          return
        } catch (error) {
          if (tries === MOST_STARTS || !String(error).includes('in use')) throw error
          await wait(100)
        }
      }
    },
    stop: () => current.stop(),
  }
}
