import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql, rest } from '../support/clients.ts'
import { onPostgres } from '../support/database.ts'
import { type RecordedServer, recordedServer } from '../support/recorded-server.ts'
import { insertRows, makeTask } from '../support/rows.ts'
import { OF_THE_SERVER } from '../support/statements.ts'

let server: RecordedServer

beforeAll(async () => {
  if (onPostgres) server = await recordedServer()
})
afterAll(() => server?.close())

const FULL =
  '{ notifications { totalCount nodes { kind task { title project { name } } comment { body } actor { name } } } }'

test.skipIf(!onPostgres)('the statements of the list do not grow with its rows', async () => {
  const { db, admin, recorder } = server
  const { inboxId } = await db.user.findUniqueOrThrow({ where: { id: admin.id } })
  const add = async (count: number) => {
    const rows = []
    for (let index = 0; index < count; index++) {
      const { id: taskId } = await makeTask(db, inboxId!)
      const id = crypto.randomUUID()
      const createdAt = new Date()
      rows.push({
        id,
        recipientId: admin.id,
        kind: 'ASSIGNED',
        cause: id,
        inProduct: true,
        actorId: admin.id,
        taskId,
        createdAt,
      })
    }
    await insertRows(db, 'Notification', rows)
  }
  const count = async (ask: () => Promise<unknown>) => {
    const { statements } = await recorder!.during(ask)
    return statements.filter((sql) => !OF_THE_SERVER.test(sql)).length
  }
  const counts = async () => [
    await count(() => rest(server, 'GET /notifications?unread=true&fields=id,kind', { token: admin.token })),
    await count(() => rest(server, 'GET /notifications', { token: admin.token })),
    await count(() => graphql(server, FULL, {}, { token: admin.token })),
  ]
  await add(1)
  expect(await counts()).toEqual([1, 3, 4])
  await add(15)
  expect(await counts()).toEqual([1, 3, 4])
})
