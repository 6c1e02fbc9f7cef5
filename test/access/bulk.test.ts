import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { schema } from '../../src/app/schema.ts'
import { type OwnServer, ownServer } from '../support/server.ts'
import { inBatches } from './batches.ts'
import { makeWorlds } from './cast.ts'
import { type Door, openDoors, type Variables } from './doors.ts'
import { rows } from './matrix.ts'
import { PERSONAS, type Persona } from './personas.ts'
import { tracesOf } from './traces.ts'
import type { World } from './world.ts'

let server: OwnServer
let doors: Map<string, Door[]>

beforeAll(async () => {
  server = await ownServer({ RATE_LIMIT: 'off', WS_MAX_SOCKETS_PER_USER: '1000' })
  doors = await openDoors(server, schema)
})
afterAll(() => server?.close())

/** Outcome of a batch item by its place and persona; the same as for the single operation. */
const OUTCOMES = `
                 stra view comm edit ownr admn remo t:w
Inbox            ok   ok   ok   ok   ok   ok   ok   ok
project          404  403  403  ok   ok   ok   404  ok
readable         404  403  403  403  403  ok   404  403
unseen           404  404  404  404  404  ok   404  404
nowhere          404  404  404  404  404  404  404  404
`

const CODES: Record<string, string> = { ok: 'SUCCEEDED', 403: 'FORBIDDEN', 404: 'NOT_FOUND' }

const [heading = [], ...lines] = OUTCOMES.trim()
  .split('\n')
  .map((line) => line.trim().split(/\s+/))
const personas = heading as Persona[]
const places = lines.map(([place = '']) => place)

/** Returns the outcomes of a batch with one item in each place. */
const expectedOf = (persona: Persona) => lines.map(([, ...cells]) => CODES[cells[personas.indexOf(persona)] ?? ''])

const projectsOf = ({ self, projectId, readable, unseen }: World) => [
  self.inboxId,
  projectId,
  readable.projectId,
  unseen.projectId,
]

/** Returns one task in each place, by id or key. */
const tasksOf = ({ self, task, readable, unseen }: World) => [
  self.inboxTask.id,
  task.key,
  readable.task.id,
  unseen.task.key,
]

const TITLE = 'Written by a batch'

/** Items of each operation, one in each place, and the projects it wrote to. */
const OPERATIONS: Record<
  string,
  { items: (world: World) => Variables[]; written: (world: World) => Promise<string[]> }
> = {
  bulkCreateTasks: {
    items: (world) => [...projectsOf(world), randomUUID()].map((projectId) => ({ projectId, title: TITLE })),
    written: (world) => projectsOfTasks(world, { title: TITLE }),
  },
  bulkUpdateTasks: {
    items: (world) => [...tasksOf(world), randomUUID()].map((id) => ({ id, title: TITLE })),
    written: (world) => projectsOfTasks(world, { title: TITLE }),
  },
  bulkDeleteTasks: {
    items: (world) => [...tasksOf(world), randomUUID()].map((id) => ({ id })),
    written: (world) => {
      const { self, task, readable, unseen } = world
      const ids = [self.inboxTask, task, readable.task, unseen.task].map(({ id }) => id)
      return projectsOfTasks(world, { id: { in: ids }, deletedAt: { not: null } })
    },
  },
}

async function projectsOfTasks({ projectIds }: World, where: object): Promise<string[]> {
  const tasks = await server.db.task.findMany({ where: { projectId: { in: projectIds }, ...where } })
  return tasks.map(({ projectId }) => projectId).sort()
}

interface Outcome {
  index: number
  status: string
  task: { projectId: string } | null
  error: { code: string } | null
}

/** Runs a batch for each persona at each door, each in its own world, and judges the outcomes. */
async function runAll(
  name: string,
  options: { atomic?: boolean; dryRun?: boolean },
  judge: (world: World, outcomes: Outcome[], said: string) => void | Promise<void>,
): Promise<void> {
  const open = doors.get(`Mutation.${name}`) ?? []
  const cells = personas.flatMap((persona) => open.map((door) => ({ persona, door })))
  const worlds = await makeWorlds(
    server,
    cells.map(({ persona }) => persona),
  )
  const planned = cells.map((cell, index) => ({ ...cell, world: worlds[index]! }))
  const before = await tracesOf(server.db, worlds)
  await inBatches(planned, async ({ persona, door, world }) => {
    const input = { items: OPERATIONS[name]!.items(world), ...options }
    const { code, data, exchange } = await door.ask({ input }, world.credential)
    const said = `${PERSONAS[persona].who} over ${door.name}: ${exchange}`
    expect(code, said).toBe('OK')
    expect(data.dryRun, said).toBe(options.dryRun ?? false)
    expect(data.outcomes.length, said).toBe(places.length)
    await judge(world, data.outcomes, said)
    const count = (status: string) => data.outcomes.filter((one: Outcome) => one.status === status).length
    expect([data.succeeded, data.failed], said).toEqual([count('SUCCEEDED'), count('FAILED')])
  })
  if (!options.atomic && !options.dryRun) return
  const after = await tracesOf(server.db, worlds)
  for (const world of worlds) expect(after.get(world), PERSONAS[world.persona].who).toBe(before.get(world))
}

const codeOf = ({ status, error }: Outcome) => error?.code ?? status

test('the outcome table covers every persona that may run a bulk operation', () => {
  for (const name of Object.keys(OPERATIONS)) {
    const row = rows.find((one) => one.name === `Mutation.${name}`)!
    const answered = Object.entries(row.expected).filter(([, expected]) => expected === 'OK')
    expect(answered.map(([persona]) => persona)).toEqual(personas)
  }
  const bulk = rows.filter(({ name }) => name.startsWith('Mutation.bulk')).map(({ name }) => name.split('.')[1])
  expect(Object.keys(OPERATIONS)).toEqual(bulk)
})

describe.each(Object.entries(OPERATIONS))('%s', (name, { written }) => {
  test('performs the permitted items and reports why each other item failed', async () => {
    await runAll(name, {}, async (world, outcomes, said) => {
      const expected = expectedOf(world.persona)
      expect(outcomes.map(codeOf), said).toEqual(expected)
      const done = [...projectsOf(world)].filter((_, index) => expected[index] === 'SUCCEEDED')
      expect(await written(world), said).toEqual(done.sort())
      expect(
        outcomes.map(({ task }) => task?.projectId ?? null),
        said,
      ).toEqual([...projectsOf(world), null].map((id, index) => (expected[index] === 'SUCCEEDED' ? id : null)))
    })
  })

  test('rolls back an atomic batch with a forbidden item', async () => {
    await runAll(name, { atomic: true }, (world, outcomes, said) => {
      const expected = expectedOf(world.persona).map((code) => (code === 'SUCCEEDED' ? 'ROLLED_BACK' : code))
      expect(outcomes.map(codeOf), said).toEqual(expected)
      expect(
        outcomes.filter(({ task }) => task !== null),
        said,
      ).toEqual([])
    })
  })

  test('reports the same outcomes in a dry run and changes nothing', async () => {
    await runAll(name, { dryRun: true }, (world, outcomes, said) => {
      expect(outcomes.map(codeOf), said).toEqual(expectedOf(world.persona))
    })
  })
})
