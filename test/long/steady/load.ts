import { setTimeout as wait } from 'node:timers/promises'
import type { Random } from '../../support/random.ts'
import type { World } from '../../support/world.ts'

export interface LoadOptions {
  world: World
  projectId: string
  /** Requests a second. */
  rate: number
  random: Random
}

export interface Load {
  readonly requests: number
  /** Every answer that was not expected. */
  readonly problems: string[]
  stop(): Promise<void>
}

const TASKS = 500
/** Requests at a time, at most. Beyond, the rate is not kept. */
const MAX_RUNNING = 64
const TICK_MS = 20

/** Sends four reads for each write, over GraphQL and REST. The number of tasks stays the same. */
export async function startLoad({ world, projectId, rate, random }: LoadOptions): Promise<Load> {
  const { server, owner } = world
  const problems: string[] = []
  const tasks: string[] = []
  let requests = 0
  let title = 0
  const call = (method: string, path: string, body?: object) => world.call(method, path, body)

  async function graphql(query: string, variables: object = {}): Promise<void> {
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { authorization: `Bearer ${owner.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    })
    const text = await response.text()
    if (!response.ok || text.includes('"errors":[')) throw new Error(`${query} answered ${response.status} ${text}`)
  }

  const create = async () => {
    const { id } = await call('POST', '/tasks', { projectId, title: `Task ${++title} about the weather` })
    tasks.push(id)
  }
  const some = () => random.pick(tasks)
  const reads: (() => Promise<unknown>)[] = [
    () => call('GET', `/tasks/${some()}`),
    () => call('GET', `/tasks?projectId=${projectId}&limit=20`),
    () => call('GET', '/tasks?search=weather&limit=5'),
    () => call('GET', `/tasks/${some()}/activity`),
    () => graphql('query ($id: ID!) { task(id: $id) { id title status version } }', { id: some() }),
    () => graphql('{ tasks(first: 20) { nodes { id title project { name } labels { name } assignees { name } } } }'),
    () => graphql('{ me { id email } projects { nodes { id name } } }'),
  ]
  const writes: (() => Promise<unknown>)[] = [
    () => call('PATCH', `/tasks/${some()}`, { title: `Task ${++title} about the weather` }),
    () =>
      graphql('mutation ($id: ID!) { updateTask(id: $id, input: { status: IN_PROGRESS }) { version } }', {
        id: some(),
      }),
    () => call('POST', `/tasks/${some()}/comments`, { body: 'It rains.' }),
    async () => {
      // Nobody else picks it any more.
      const [id] = tasks.splice(random.below(tasks.length), 1)
      await call('DELETE', `/tasks/${id}`)
      await create()
    },
  ]

  while (tasks.length < TASKS) await create()
  const running = new Set<Promise<void>>()
  let stopped = false
  const loop = (async () => {
    const started = performance.now()
    for (let sent = 0; !stopped; await wait(TICK_MS)) {
      const due = ((performance.now() - started) / 1_000) * rate
      for (; sent < due && running.size < MAX_RUNNING; sent++) {
        const work = random
          .pick(random.chance(0.8) ? reads : writes)()
          .then(() => void requests++)
          // A task may be deleted while it is read.
          .catch((error: Error) => void (/ 404 |NOT_FOUND/.test(error.message) || problems.push(error.message)))
          .finally(() => running.delete(work))
        running.add(work)
      }
    }
  })()
  return {
    get requests() {
      return requests
    },
    problems,
    async stop() {
      stopped = true
      await loop
      await Promise.all(running)
    },
  }
}
