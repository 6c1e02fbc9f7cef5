import {
  type GraphQLNamedType,
  getNamedType,
  getNullableType,
  isInterfaceType,
  isLeafType,
  isListType,
  isObjectType,
  isRequiredArgument,
} from 'graphql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { schema } from '../../src/app/schema.ts'
import { deriveRoutes, type Route } from '../../src/gateway/rest/routes.ts'
import { isConnection, restView } from '../../src/gateway/rest/view.ts'
import { graphql, rest } from '../support/clients.ts'
import { type OwnServer, ownServer } from '../support/server.ts'
import { inBatches } from './batches.ts'
import { makeWorlds } from './cast.ts'
import { foreignAddress } from './cells.ts'
import { documentOf, restRequest, rootFields, type Variables } from './doors.ts'
import { leak } from './leaks.ts'
import { type Row, rowsOf } from './matrix.ts'
import { describePersona, PERSONAS, type Persona, personas } from './personas.ts'
import { isAdmin } from './powers.ts'
import { recipes } from './recipes.ts'
import type { World } from './world.ts'

let server: OwnServer
let routes: Route[]
let worlds: World[]

beforeAll(async () => {
  // Without background work, nobody is notified of what the worlds contain.
  server = await ownServer({ RATE_LIMIT: 'off', BACKGROUND_WORK: 'off' })
  routes = await deriveRoutes(restView(schema))
  worlds = await makeWorlds(server, personas)
})
afterAll(() => server?.close())

const worldOf = (persona: Persona) => worlds.find((world) => world.persona === persona)!
const fields = new Map(rootFields(schema).map((root) => [root.name, root]))
const typeOf = ({ field }: Row) => getNamedType(fields.get(field)!.field.type)
const variablesOf = ({ name }: Row, world: World): Variables => recipes[name]?.variables?.(world) ?? {}

/** Returns the fields that an API key may not select. */
function refusedTo({ persona }: World): string[] {
  const { credential = 'token' } = describePersona(persona)
  if (credential === 'token') return []
  return credential === 'projects:read'
    ? ['activity']
    : ['project', ...(credential === 'projects:write' ? ['activity'] : [])]
}

/** Returns the fields of a type that lead to other types. */
const leading = (type: GraphQLNamedType, without: readonly string[]) =>
  Object.values(isObjectType(type) ? type.getFields() : {}).filter(
    (field) =>
      !isLeafType(getNamedType(field.type)) && !field.args.some(isRequiredArgument) && !without.includes(field.name),
  )

/** Selects every field of a type, nested `levels` deep. A connection does not count as a level. */
function everything(type: GraphQLNamedType, levels: number, without: readonly string[]): string {
  if (isInterfaceType(type)) {
    // Fields of these conflict with those of other types. All have rows of their own, so that a level
    // less is enough here: every type is in one document.
    const types = schema
      .getPossibleTypes(type)
      .filter(({ name }) => !['Notification', 'SavedFilter', 'User'].includes(name))
    return `{ id ${types.map((one) => `... on ${one.name} ${everything(one, levels - 1, without)}`).join(' ')} }`
  }
  if (!isObjectType(type)) return ''
  const leaves = Object.values(type.getFields()).filter((field) => isLeafType(getNamedType(field.type)))
  const below = isConnection(type) ? levels : levels - 1
  // Edges contain the same data as nodes.
  const further = below > 0 ? leading(type, [...without, 'edges']) : []
  const selected = further.map(({ name, type, args }) => {
    const page = args.some((arg) => arg.name === 'first') ? `(first: ${INNER_PAGE})` : ''
    return `${name}${page} ${everything(getNamedType(type), below, without)}`
  })
  return `{ ${[...leaves.map(({ name }) => name), ...selected].join(' ')} }`
}

const LEVELS = 4
/** The most fields that an operation may select. */
const MAX_FIELDS = 1_000
const PAGE = 10
/** More than the tests make. */
const INNER_PAGE = 5

/** Requests a row over GraphQL with the given selection. */
async function ask(row: Row, world: World, selected: string, variables = variablesOf(row, world)) {
  const root = fields.get(row.field)!
  const paged = root.field.args.some((arg) => arg.name === 'first') ? { first: PAGE, ...variables } : variables
  const query = documentOf(root, selected)
  const { token, apiKey } = world.credential
  const { data, errors } = await graphql(server, query, paged, { token: token ?? apiKey })
  return { data: data?.[root.field.name], errors: errors ?? [] }
}

/** Selects as many levels as an operation may have fields. */
function deepest(type: GraphQLNamedType, levels: number, without: readonly string[]): string {
  const selected = everything(type, levels, without)
  const fields = selected.match(/\w+(?=[ (])/g)?.length ?? 0
  return fields < MAX_FIELDS ? selected : deepest(type, levels - 1, without)
}

/** A list without pages counts by its maximum. What its objects lead to is seen through others. */
const levelsOf = ({ field }: Row) => (isListType(getNullableType(fields.get(field)!.field.type)) ? 2 : LEVELS)

const askDeep = (row: Row, world: World, variables?: Variables) =>
  ask(row, world, deepest(typeOf(row), levelsOf(row), refusedTo(world)), variables)

/** Like `askDeep`, but reads all pages. */
async function askAllDeep(row: Row, world: World) {
  const all: unknown[] = []
  let after: string | null = null
  do {
    const { data, errors } = await askDeep(row, world, { ...variablesOf(row, world), ...(after && { after }) })
    if (errors.length > 0) return { data: all, errors }
    all.push(data)
    after = data?.pageInfo?.hasNextPage ? data.pageInfo.endCursor : null
  } while (after)
  return { data: all, errors: [] }
}

/** Requests a row over REST with everything that `include` accepts. */
async function askRest(row: Row, world: World) {
  const name = fields.get(row.field)!.field.name
  const route = routes.find((one) => one.operationId === name)
  if (!route) return undefined
  const { call } = restRequest(route, variablesOf(row, world))
  const type = typeOf(row)
  const item = isConnection(type) ? getNamedType(type.getFields().nodes!.type) : type
  const included = [
    ...leading(item, refusedTo(world))
      .filter(({ extensions }) => extensions.restEmbed !== false)
      .map((field) => field.name),
    ...(isConnection(type) && type.getFields().totalCount ? ['totalCount'] : []),
  ]
  const asked = included.length > 0 ? `${call}${call.includes('?') ? '&' : '?'}include=${included}` : call
  const { token, apiKey } = world.credential
  return rest(server, asked, { token, headers: apiKey ? { 'x-api-key': apiKey } : {} })
}

/** Returns the worlds whose persona may run the operation and is not an ADMIN. */
const interesting = (row: Row, among: readonly World[]) =>
  among.filter((world) => row.expected[world.persona] === 'OK' && !isAdmin(world))

describe('a visible object does not reveal hidden ones', () => {
  test.each(rowsOf('Query'))('$name', async (row) => {
    await inBatches(interesting(row, worlds), async (world) => {
      const { who } = PERSONAS[world.persona]
      const { data, errors } = await askAllDeep(row, world)
      expect(errors, who).toEqual([])
      expect(leak(data, world, worlds) ?? foreignAddress(data, world), `${who} over GraphQL`).toBeUndefined()
      const answer = await askRest(row, world)
      expect(answer?.status ?? 200, `${who}: ${answer?.text}`).toBe(200)
      expect(
        leak(answer?.body, world, worlds) ?? foreignAddress(answer?.body, world),
        `${who} over REST`,
      ).toBeUndefined()
    })
  })

  const answering = rowsOf('Mutation').filter(
    (row) => isObjectType(typeOf(row)) && recipes[row.name]?.protocols?.includes('GraphQL') !== false,
  )

  test.each(answering)('$name', async (row) => {
    const asking = personas.filter((persona) => row.expected[persona] === 'OK')
    const own = await makeWorlds(server, asking)
    const changing = interesting(row, own).filter((world) => recipes[row.name]?.changes?.(world) ?? true)
    await inBatches(changing, async (world) => {
      const { who } = PERSONAS[world.persona]
      const { data, errors } = await askDeep(row, world)
      expect(errors, who).toEqual([])
      expect(leak(data, world, own), who).toBeUndefined()
    })
  })

  test('shows hidden objects to an ADMIN, which proves that the test looks for them', async () => {
    const world = worldOf('admn')
    const { unseen } = world
    const row = rowsOf('Query').find(({ name }) => name === 'Query.task')!
    const deep = await askDeep(row, world)
    expect(deep.errors).toEqual([])
    expect(JSON.stringify(deep.data)).toContain(unseen.task.id)
    const { data, errors } = await ask(row, world, '{ relations { relatedTask { labels { id } project { name } } } }')
    expect(errors).toEqual([])
    expect(JSON.stringify(data)).toContain(unseen.labelId)
    expect(JSON.stringify(data)).toContain(`"name":"Unseen of ${world.tag}"`)
    expect((await askRest(row, world))?.text).toContain(unseen.task.id)
  })

  test('counts only visible objects in totalCount', async () => {
    const counted = rowsOf('Query').filter((row) => {
      const shown = recipes[row.name]?.sees?.(worldOf('ownr'), worlds)
      return isConnection(typeOf(row)) && shown && 'ids' in shown
    })
    expect(counted.length).toBeGreaterThan(5)
    for (const row of counted) {
      for (const world of interesting(row, worlds)) {
        const seen = recipes[row.name]?.sees?.(world, worlds)
        const { data } = await ask(row, world, '{ totalCount }')
        expect(data.totalCount, `${row.name} for ${world.persona}`).toBe(seen && 'ids' in seen && seen.ids.length)
      }
    }
  })

  test('requires projects:read to select the project of a task', async () => {
    const world = worldOf('t:r')
    const { apiKey = '' } = world.credential
    const query = 'query ($id: ID!) { task(id: $id) { project { name } } }'
    const { data, errors } = await graphql(server, query, { id: world.task.id }, { token: apiKey })
    expect([data?.task, errors?.[0]?.extensions.code]).toEqual([null, 'FORBIDDEN'])
    const answer = await rest(server, `GET /tasks/${world.task.id}?include=project`, { token: apiKey })
    expect([answer.status, answer.body.code]).toEqual([403, 'FORBIDDEN'])
  })
})
