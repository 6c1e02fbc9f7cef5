import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { DatabaseProxy } from '../../support/database-proxy.ts'
import type { Random } from '../../support/random.ts'
import { until } from '../../support/wait.ts'
import type { Cluster } from '../failover/cluster.ts'
import type { RestartableServer } from '../soak/servers.ts'

/** A server, and what stands between it and the database. */
export interface Node {
  server: RestartableServer
  proxy: DatabaseProxy
}

interface Scene {
  nodes: readonly Node[]
  cluster: Cluster
  random: Random
}

const CLOCK = fileURLToPath(new URL('clock.ts', import.meta.url))
const FAULT_MS = 2_000

/** What can go wrong. Each ends by itself. */
const FAULTS = {
  /** A server dies and starts again. */
  async kill({ nodes, random }) {
    await random.pick(nodes).server.kill(random.below(1_000))
  },
  /** A server's connections to the database are dead, and new ones work. */
  async cut({ nodes, random }) {
    random.pick(nodes).proxy.loseConnections(() => true)
    await wait(FAULT_MS)
  },
  /** A server does not reach the database. */
  async silence({ nodes, random }) {
    const { proxy } = random.pick(nodes)
    proxy.loseEverything()
    await wait(FAULT_MS)
    proxy.restore()
  },
  /** The database is far from a server. */
  async delay({ nodes, random }) {
    const { proxy } = random.pick(nodes)
    proxy.delay(50 + random.below(250))
    await wait(FAULT_MS)
    proxy.restore()
  },
  /** The primary dies, and its replica takes over. */
  async failover({ cluster }) {
    await cluster.failOver()
  },
  /** A server's clock is wrong by up to a minute, until the server dies. */
  async skew({ nodes, random }) {
    const skew = String(random.below(120_000) - 60_000)
    await random.pick(nodes).server.kill(100, { NODE_OPTIONS: `--import ${CLOCK}`, CLOCK_SKEW_MS: skew })
  },
} satisfies Record<string, (scene: Scene) => Promise<void>>

export type Fault = keyof typeof FAULTS
export const ALL_FAULTS = Object.keys(FAULTS) as Fault[]

export interface NemesisOptions extends Scene {
  /** Fault after fault, and again from the first. */
  faults: readonly Fault[]
  /** Time without a fault in between, in milliseconds. */
  calmMs: number
  stopped: () => boolean
  happened(fault: Fault): void
}

/** Lets one thing go wrong at a time. Resolves when every server works again. */
export async function runNemesis({ faults, calmMs, stopped, happened, ...scene }: NemesisOptions): Promise<void> {
  const ready = async ({ server }: Node) => {
    const response = await fetch(`${server.url}/readyz`).catch(() => undefined)
    return response?.status === 200
  }
  for (let turn = 0; !stopped(); turn++) {
    const fault = faults[turn % faults.length] as Fault
    await wait(calmMs)
    if (stopped()) return
    await FAULTS[fault](scene)
    happened(fault)
    for (const node of scene.nodes) await until('the server works again', () => ready(node), 120_000)
  }
}
