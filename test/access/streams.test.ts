import { beforeAll, describe, expect, test } from 'vitest'
import { schema } from '../../src/app/schema.ts'
import { eventStream, rest } from '../support/clients.ts'
import { makeProject } from '../support/rows.ts'
import { sharedServer, type TestServer } from '../support/server.ts'
import { inBatches } from './batches.ts'
import { makeWorlds } from './cast.ts'
import { type Cell, disagreements, foreignAddress, wrongCells } from './cells.ts'
import { rootFields } from './doors.ts'
import { eventName, isAmong } from './events.ts'
import { leak } from './leaks.ts'
import { type Row, rowsOf } from './matrix.ts'
import { personas } from './personas.ts'
import type { SeenEvents } from './recipe.ts'
import { recipes } from './recipes.ts'
import { type Carried, STREAM_DOORS } from './streams.ts'
import type { World } from './world.ts'

let server: TestServer
let worlds: World[]
/** A project that every persona sees. A final task in it marks the end of each stream. */
let commons: string
let admin: { token: string }

beforeAll(async () => {
  server = await sharedServer()
  worlds = await makeWorlds(server, personas)
  commons = (await makeProject(server.db, { name: 'Commons' })).id
  const members = worlds.map(({ self }) => ({ projectId: commons, userId: self.id, role: 'VIEWER' as const }))
  await server.db.membership.createMany({ data: members })
  admin = worldOf('admn').self
})

const worldOf = (persona: World['persona']) => worlds.find((world) => world.persona === persona)!
const doors = Object.entries(STREAM_DOORS)

/** Sends a request that must succeed. */
async function send(call: string, token: string, body?: unknown) {
  const answer = await rest(server, call, { token, body })
  if (answer.status >= 300) throw new Error(`${call} answered ${answer.status} ${answer.text}`)
  return answer.body
}

const addTask = async (projectId: string, title: string, token = admin.token): Promise<string> =>
  (await send('POST /tasks', token, { projectId, title })).id

const cursorOfNow = async (): Promise<string> => (await send('GET /events/cursor', admin.token)).cursor

/** Opens the row's stream for every persona at every door. */
async function openAll(row: Row, chosen: readonly World[] = worlds) {
  const root = rootFields(schema).find((field) => field.name === row.field)!
  const after = await cursorOfNow()
  const planned = chosen.flatMap((world) => doors.map(([door, open]) => ({ world, door, open })))
  const streams = await inBatches(planned, async ({ world, door, open }) => {
    const variables = { ...recipes[row.name]?.variables?.(world), after }
    return { world, door, next: await open(server, root, variables, world.credential) }
  })
  return streams
}

/** Reads up to the event of this task, or to the end of the stream. */
async function readTo(next: () => Promise<Carried>, taskId: string): Promise<Carried[]> {
  const read: Carried[] = []
  do read.push(await next())
  while (read.at(-1)?.code === 'OK' && read.at(-1)?.data.taskId !== taskId)
  return read
}

/** Returns the matching log entries after one task's event, up to and including another's. */
async function logged(seen: SeenEvents, first: string, last: string): Promise<string[]> {
  const events = await server.db.event.findMany({ orderBy: { position: 'asc' } })
  const [start, end] = [first, last].map((id) => events.findIndex((event) => event.subjectId === id))
  return events
    .slice(start! + 1, end! + 1)
    .filter((event) => isAmong(seen, event))
    .map(eventName)
}

/** Writes in every world while the streams are open, including in Inboxes nobody else sees. */
async function writeEverywhere(): Promise<void> {
  await inBatches(worlds, async ({ projectId, ownerToken, third, self }) => {
    const id = await addTask(projectId, 'Secret', ownerToken)
    await send(`PATCH /tasks/${id}`, ownerToken, { title: 'More secret' })
    await send(`PUT /projects/${projectId}/members/${third.id}`, ownerToken, { role: 'COMMENTER' })
    await send(`DELETE /tasks/${id}`, ownerToken)
    await server.db.task.create({ data: { projectId: self.inboxId, title: 'Private' } })
  })
}

/** Streams of something else have tests of their own. */
const streamsOfEvents = rowsOf('Subscription').filter(({ name }) => recipes[name]?.sees)

describe('a stream', () => {
  test.each(streamsOfEvents)('$name', async (row) => {
    const { variables = () => ({}), sees } = recipes[row.name]!
    const ofProject = JSON.stringify(variables(worlds[0]!)).includes(worlds[0]!.projectId)
    const streams = await openAll(row)
    // Every stream shows this task first; from here on each one is live.
    const first = await addTask(commons, 'Begin')
    const begins = new Map(await Promise.all(worlds.map(async (world) => [world, await begin(world)] as const)))
    async function begin({ projectId }: World) {
      return ofProject ? addTask(projectId, 'Begin') : first
    }
    const cells = await inBatches(streams, async ({ world, door, next }): Promise<Cell> => {
      const read = await readTo(next, begins.get(world)!)
      return { door, persona: world.persona, world, expected: row.expected[world.persona], answer: read.at(-1)! }
    })
    expect(wrongCells(cells)).toBe('')
    expect(disagreements(cells)).toEqual([])

    await writeEverywhere()
    const ends = new Map<World, string>()
    for (const world of worlds) if (ofProject) ends.set(world, await addTask(world.projectId, 'End'))
    const last = await addTask(commons, 'End')
    const open = streams.filter(({ world }) => row.expected[world.persona] === 'OK')
    const seen = await inBatches(open, async ({ world, door, next }): Promise<Cell> => {
      const read = await readTo(next, ends.get(world) ?? last)
      const answer = { ...read.at(-1)!, data: read.map((one) => one.data), exchange: JSON.stringify(read) }
      return { door, persona: world.persona, world, expected: 'OK', answer }
    })
    const wanted = new Map<World, string[]>()
    for (const { world } of open) {
      const { eventsOf, ...seen } = sees!(world, worlds) as SeenEvents
      const projects = ofProject ? eventsOf : [commons, ...eventsOf]
      wanted.set(world, await logged({ ...seen, eventsOf: projects }, begins.get(world)!, ends.get(world) ?? last))
    }
    const wrong = wrongCells(seen, ({ world, answer: { data } }) => {
      const [shown, should] = [data.map(eventName).join(), wanted.get(world)?.join()]
      if (shown !== should) return `showed ${shown} instead of ${should}`
      return foreignAddress(data, world) ?? leak(data, world, worlds)
    })
    expect(wrong).toBe('')
  })

  test.each(streamsOfEvents)('$name: omits events between the removal and the re-adding', async (row) => {
    const members = (['view', 'comm', 'edit'] as const).map(worldOf)
    const streams = await openAll(row, members)
    const { inbox: delivered } = await eventStream(server, '/tasks/events', { token: admin.token })
    const begins = new Map<World, string>()
    for (const world of members) begins.set(world, await addTask(world.projectId, 'Begin'))
    for (const { world, next } of streams) await readTo(next, begins.get(world)!)
    const ends = new Map<World, string>()
    for (const world of members) {
      const { self, projectId, ownerToken } = world
      await send(`DELETE /projects/${projectId}/members/${self.id}`, ownerToken)
      const secret = await addTask(projectId, 'Secret', ownerToken)
      // Waits for the fan-out, because a stream checks membership when it delivers an event.
      while ((await delivered.next()).data.taskId !== secret);
      await send(`POST /projects/${projectId}/members`, ownerToken, { email: self.email, role: 'VIEWER' })
      ends.set(world, await addTask(projectId, 'End', ownerToken))
    }
    for (const { world, door, next } of streams) {
      const read = await readTo(next, ends.get(world)!)
      // Members do see the event of their own return.
      const shown = read.filter(({ data }) => data?.type !== 'member.added' || data.subjectId !== world.self.id)
      const titles = shown.map((one) => one.data?.task?.title ?? one.data?.type ?? one.code)
      expect(titles, `${world.persona} over ${door}`).toEqual(['End'])
    }
  })
})
