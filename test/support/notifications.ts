import { rest } from './clients.ts'
import type { Caller } from './outcome.ts'
import { until } from './wait.ts'

export interface Told {
  id: string
  kind: string
  recipientId: string
  actorId: string | null
  taskId: string | null
  commentId: string | null
  message: string | null
  dueAt: string | null
  readAt: string | null
}

/** Reads all notifications of a user, newest first. */
export async function readNotifications({ url, token }: Caller, query = ''): Promise<Told[]> {
  const nodes: Told[] = []
  for (let after = ''; ; ) {
    const { status, body, text } = await rest({ url }, `GET /notifications?limit=100${query}${after}`, { token })
    if (status !== 200) throw new Error(`answered ${status} ${text}`)
    nodes.push(...body.nodes)
    if (!body.pageInfo.hasNextPage) return nodes
    after = `&after=${body.pageInfo.endCursor}`
  }
}

/** Waits until a user has been told of something. Returns all of their notifications. */
export async function told(caller: Caller, is: (one: Told) => boolean): Promise<Told[]> {
  let found: Told[] = []
  await until('the notification is there', async () => {
    found = await readNotifications(caller)
    return found.some(is)
  })
  return found
}

let marks = 0

/** Waits until everything that has happened up to now is told, if the user is to be told of it. */
export async function toldEverything(caller: Caller & { id: string }, admin: Caller): Promise<Told[]> {
  const message = `mark ${++marks}`
  await rest({ url: admin.url }, `POST /users/${caller.id}/notify`, { token: admin.token, body: { message } })
  return (await told(caller, (one) => one.message === message)).filter((one) => !/^mark \d+$/.test(one.message ?? ''))
}
