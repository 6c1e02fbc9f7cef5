import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildSchema } from 'graphql'
import { expect, onTestFinished, test } from 'vitest'
import { sofaRoutes } from '../../src/gateway/rest/sofa.ts'

const SCHEMA = 'type Query { book(id: ID!, page: Int): Book! } type Book { id: ID! title: String! }'
const OVERRIDES = { 'Query.book': { path: '/books/:id' } }

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'tw-routes-'))
  onTestFinished(() => rm(path, { recursive: true }))
  return join(path, 'new')
}

const derive = (cache: string | undefined, schema = SCHEMA, overrides = OVERRIDES) =>
  sofaRoutes(buildSchema(schema), overrides, cache)

test('routes read from the cache equal the derived ones', async () => {
  const cache = await folder()
  const derived = await derive(undefined)
  expect(derived).toMatchObject([{ method: 'GET', path: '/books/{id}' }])
  expect(await derive(cache)).toEqual(derived)
  expect(await derive(cache)).toEqual(JSON.parse(JSON.stringify(derived)))
})

test('the cached routes are used, until the schema or an override changes', async () => {
  const cache = await folder()
  await derive(cache)
  const [file = ''] = await readdir(cache)
  await writeFile(join(cache, file), '[]')
  expect(await derive(cache)).toEqual([])

  expect(await derive(cache, SCHEMA.replace('title: String!', 'title: String! year: Int'))).toHaveLength(1)
  expect(await derive(cache, SCHEMA, { 'Query.book': { path: '/book/:id' } })).toMatchObject([{ path: '/book/{id}' }])
  // Only the newest file remains.
  expect(await readdir(cache)).toHaveLength(1)
})

test('a damaged cache is replaced', async () => {
  const cache = await folder()
  const routes = await derive(cache)
  const [file = ''] = await readdir(cache)
  await writeFile(join(cache, file), '[{"meth')
  expect(await derive(cache)).toEqual(routes)
  expect(JSON.parse(await readFile(join(cache, file), 'utf8'))).toHaveLength(1)
})

test('a folder that cannot be written only costs time', async () => {
  const file = join(await folder(), '..', 'file')
  await writeFile(file, '')
  expect(await derive(file)).toHaveLength(1)
})
