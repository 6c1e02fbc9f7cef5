import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { createClient } from '@hey-api/openapi-ts'
import openapiTypescript, { astToString } from 'openapi-typescript'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sharedServer, type TestServer } from '../support/server.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const DOCUMENT = join(ROOT, 'openapi.json')
/** Scenarios that drive the API through generated clients. All must return the same results. */
const SCENARIOS = ['openapi-fetch', 'hey-api']

let server: TestServer
let folder: string
let complaints: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'taskwire-clients-'))
  await Promise.all([generate(), sharedServer().then((one) => (server = one))])
  complaints = await compile()
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

/** Creates a package with the generated clients and the scenarios, as a user of the API would. */
async function generate(): Promise<void> {
  const types = await openapiTypescript(pathToFileURL(DOCUMENT))
  await writeFile(join(folder, 'openapi-typescript.ts'), astToString(types))
  await createClient({
    input: DOCUMENT,
    output: { path: join(folder, 'hey-api-sdk'), module: { extension: '.js' } },
    plugins: ['@hey-api/typescript', '@hey-api/sdk', '@hey-api/client-fetch'],
    logs: { level: 'silent' },
  })
  for (const name of SCENARIOS) {
    await copyFile(join(ROOT, 'test/contract/clients', `${name}.ts`), join(folder, `${name}.ts`))
  }
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
}

/** Returns the compiler output for the scenarios and the generated code. */
async function compile(): Promise<string> {
  const compilerOptions = {
    target: 'esnext',
    module: 'nodenext',
    lib: ['esnext', 'dom', 'dom.iterable'],
    types: [],
    strict: true,
    noUncheckedIndexedAccess: true,
    outDir: 'out',
  }
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: SCENARIOS.map((name) => `${name}.ts`) }),
  )
  const run = promisify(execFile)(join(ROOT, 'node_modules/.bin/tsc'), ['--pretty', 'false'], { cwd: folder })
  return run.then(
    ({ stdout }) => stdout,
    ({ stdout, message }) => stdout || message,
  )
}

const STORY = {
  me: ['Ada', true, true],
  oauth: ['Bearer', 'invalid_grant'],
  signedOut: ['UNAUTHENTICATED'],
  taken: ['CONFLICT', 'body.key'],
  members: ['Ada OWNER', 'Grace EDITOR'],
  promoted: 'EDITOR',
  label: ['now', '#cc0000', 2],
  invalid: ['VALIDATION_FAILED', 'body.title', 'body.priority', 'body.assigneeIds.0'],
  titles: ['Tower', 'Cables', 'Deck'],
  filtered: [['Tower', ['now']]],
  counted: 1,
  changed: ['IN_PROGRESS', 2, true],
  late: ['PRECONDITION_FAILED', 'header.If-Match'],
  replaced: ['Roadway', null],
  relations: [['BLOCKS', true]],
  made: [
    ['SUCCEEDED', undefined, undefined],
    ['FAILED', 'VALIDATION_FAILED', [['items', 1, 'title']]],
  ],
  moved: [1, 'COMPLETED'],
  gone: 1,
  deleted: 204,
  missing: ['NOT_FOUND', 'path.id'],
  trash: ['Roadway', 'Paint'],
  restored: [null, 4],
  copy: 'Second deck',
  events: [
    'label.created',
    'label.updated',
    'member.added',
    'member.updated',
    'project.created',
    'relation.created',
    'relation.deleted',
    'task.created',
    'task.deleted',
    'task.restored',
    'task.updated',
  ],
  changes: ['name'],
  byKey: ['Tower'],
  forbidden: ['FORBIDDEN'],
  revoked: ['UNAUTHENTICATED'],
}

test('generated clients compile under --strict and reject invalid use of the API', () => {
  expect(complaints).toBe('')
})

describe.each(SCENARIOS)('a client generated for %s', (name) => {
  test('drives the API from registration to the revocation of a key', async () => {
    const { run } = await import(pathToFileURL(join(folder, 'out', `${name}.js`)).href)
    const key = name.replace('-', '').slice(0, 8).toUpperCase()
    expect(await run(`${server.url}/api/v1`, key)).toEqual(STORY)
  })
})
