import { readFileSync } from 'node:fs'
import ICAL from 'ical.js'
import { beforeAll, expect, test } from 'vitest'
import { type RestAnswer, rest } from '../support/clients.ts'
import { sharedServer, signUp, type TestServer, type TestUser } from '../support/server.ts'

let server: TestServer
let user: TestUser

beforeAll(async () => {
  server = await sharedServer()
  user = await signUp(server)
})

async function newProject(): Promise<string> {
  return (await rest(server, 'POST /projects', { token: user.token, body: { name: 'Moved' } })).body.id
}

const TYPES: Record<string, string> = { csv: 'text/csv', todoist: 'text/csv', ndjson: 'application/x-ndjson' }

function importInto(
  projectId: string,
  format: string,
  raw: string | Uint8Array<ArrayBuffer>,
  more = '',
): Promise<RestAnswer> {
  const headers = { 'content-type': TYPES[format] ?? 'application/json' }
  const call = `POST /tasks/import?projectId=${projectId}&format=${format}${more}`
  return rest(server, call, { token: user.token, headers, raw })
}

const exportFrom = async (projectId: string, format: string): Promise<string> =>
  (await rest(server, `GET /tasks/export?format=${format}&projectId=${projectId}`, { token: user.token })).text

const countsOf = ({ body }: RestAnswer) => [body.created, body.updated, body.unchanged, body.skipped, body.failed]

const HOSTILE = [
  { title: '=1+1', description: '+cmd|calc' },
  { title: "'=already guarded", description: "''@twice" },
  { title: '-2', description: '\tafter a tab' },
  { title: 'Quotes "and", commas', description: 'line 1\r\nline 2\n"line" 3;\r' },
  { title: '@me 👩‍👩‍👧 🏳️‍🌈', description: 'مهمة مع ‎LRM, שלום' },
  { title: '＝full width', description: '\u001f\u0001 control \\ back\\slash' },
  { title: "'", description: "'plain" },
  { title: 'x'.repeat(200), description: '日本語'.repeat(600), dueAt: '0999-01-02T03:04:05.600Z' },
]

test.each(['csv', 'ndjson', 'json'])('what is exported as %s comes back unchanged by import', async (format) => {
  const first = await newProject()
  const labels = ['=formula', 'a, "b"', 'café']
  const lines = HOSTILE.map((task, index) =>
    JSON.stringify({
      ...task,
      ...(index < 3 && { startAt: '0999-01-02T03:04:05.600Z', dueOn: `1999-12-${29 + index}` }),
      key: `OLD-${index}`,
      ...(index > 0 && { parentKey: `OLD-${(index * 5) % HOSTILE.length}` }),
      status: ['PENDING', 'COMPLETED', 'CANCELLED'][index % 3],
      priority: 1 + (index % 5),
      labels: labels.slice(0, index % 4),
      assignees: index % 2 ? [user.email] : [],
      ...(index % 2 && { externalSource: 'old, "one"', externalId: `=${index}` }),
    }),
  )
  const made = await importInto(first, 'ndjson', lines.join('\n'))
  expect(countsOf(made), made.text).toEqual([HOSTILE.length, 0, 0, 0, 0])
  const before = await exportFrom(first, format)
  const second = await newProject()
  const again = await importInto(second, format, before)
  expect(countsOf(again), again.text).toEqual([HOSTILE.length, 0, 0, 0, 0])
  expect(again.body.results.flatMap((one: { warnings: string[] }) => one.warnings)).toEqual([])
  const after = await exportFrom(second, format)
  expect(withoutOwn(after)).toBe(withoutOwn(before))
  expect(before).toContain('日本語')
  expect(before).toMatch(/0999-01-02T03:04:05.600Z"?,[":,a-zA-Z]*1999-12-31/)
  if (format === 'csv') expect(before).not.toMatch(/(^|,)"?[=+@\t-]/m)
})

/** Replaces ids, keys and times of the server. */
function withoutOwn(text: string): string {
  return text
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'id')
    .replace(/2\d{3}-\d\d-\d\dT[\d:.]{12}Z/g, 'then')
    .replace(/\b[A-Z][A-Z0-9]+-(\d+)\b/g, 'KEY-$1')
}

test('a calendar of hostile tasks is valid, and has lines of at most 75 octets', async () => {
  const projectId = await newProject()
  const rows = HOSTILE.map((task) => JSON.stringify({ ...task, labels: ['a,b;c'], assignees: [user.email] }))
  await importInto(projectId, 'ndjson', rows.join('\n'))
  const text = await exportFrom(projectId, 'ics')
  for (const line of text.split('\r\n')) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(75)
  expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/)
  const tasks = new ICAL.Component(ICAL.parse(text)).getAllSubcomponents('vtodo')
  expect(tasks.map((one) => one.getFirstPropertyValue('summary'))).toEqual(HOSTILE.map(({ title }) => title))
  expect(tasks[7]!.getFirstPropertyValue('description')).toBe(HOSTILE[7]!.description)
  expect(tasks[0]!.getFirstProperty('categories')!.getValues()).toEqual(['a,b;c'])
  expect(String(tasks[0]!.getFirstPropertyValue('attendee'))).toBe(`mailto:${user.email}`)
  for (const one of tasks) {
    for (const name of ['uid', 'dtstamp', 'status', 'priority'])
      expect(one.getFirstPropertyValue(name), name).toBeTruthy()
  }
})

test('a calendar without tasks is valid, and one of days has them without a time', async () => {
  const projectId = await newProject()
  const none = new ICAL.Component(ICAL.parse(await exportFrom(projectId, 'ics')))
  expect(none.getAllSubcomponents().map(({ name }) => name)).toEqual(['vtimezone'])
  const start = '2030-01-01T10:00:00Z'
  const rows = [{ dueOn: '2030-01-31', startAt: start }, { startAt: start }, { dueOn: '2030-02-30' }]
  const made = await importInto(
    projectId,
    'ndjson',
    rows.map((row) => JSON.stringify({ title: 'Day', ...row })).join('\n'),
  )
  expect(made.body.results[2].message).toBe('dueOn: must be a date like 2026-01-31')
  const text = await exportFrom(projectId, 'ics')
  expect(text).toContain('DUE;VALUE=DATE:20300131')
  const tasks = new ICAL.Component(ICAL.parse(text)).getAllSubcomponents('vtodo')
  expect(tasks.map((one) => one.hasProperty('dtstart')).sort()).toEqual([false, true])
})

test('a row that sets a day replaces a time, and may not be due before it starts', async () => {
  const projectId = await newProject()
  const send = (more: object) =>
    importInto(projectId, 'ndjson', JSON.stringify({ title: 'T', externalSource: 'old', externalId: '1', ...more }))
  await send({ dueAt: '2030-01-01T10:00:00Z', startAt: '2030-01-01T09:00:00Z' })
  expect(countsOf(await send({ dueOn: '2030-01-05' }))).toEqual([0, 1, 0, 0, 0])
  expect(countsOf(await send({ dueOn: '2030-01-05' }))).toEqual([0, 0, 1, 0, 0])
  expect(await server.db.task.findFirst({ where: { projectId } })).toMatchObject({
    dueAt: null,
    dueOn: new Date('2030-01-05T00:00:00Z'),
  })
  const early = await send({ dueOn: '2029-12-01' })
  expect(early.body.results[0]).toMatchObject({ status: 'FAILED', message: expect.stringContaining('startAt') })
})

test('importing twice changes nothing, and a changed row changes its task alone', async () => {
  const projectId = await newProject()
  const row = (id: number, more = {}) =>
    JSON.stringify({ title: `Task ${id}`, labels: ['new'], externalSource: 'old', externalId: String(id), ...more })
  const file = [row(1), row(2), row(3, { dueAt: '2027-01-01' })].join('\n')
  expect(countsOf(await importInto(projectId, 'ndjson', file))).toEqual([3, 0, 0, 0, 0])
  const traces = async () => ({
    events: await server.db.event.count({ where: { projectId } }),
    tasks: await server.db.task.findMany({ where: { projectId }, orderBy: { number: 'asc' } }),
  })
  const before = await traces()
  expect(countsOf(await importInto(projectId, 'ndjson', file))).toEqual([0, 0, 3, 0, 0])
  expect(await traces()).toEqual(before)
  const changed = await importInto(projectId, 'ndjson', [row(1), row(2, { title: 'Other' }), row(2)].join('\n'))
  expect(countsOf(changed)).toEqual([0, 1, 1, 0, 1])
  expect(changed.body.results[2]).toMatchObject({ line: 3, status: 'FAILED', message: 'externalId: repeats line 2' })
  const after = await traces()
  expect(after.events).toBe(before.events + 1)
  expect(after.tasks.map(({ version, title }) => [version, title])).toEqual([
    [1, 'Task 1'],
    [2, 'Other'],
    [1, 'Task 3'],
  ])
})

test('records with a wrong quotation mark fail alone, however many there are', async () => {
  const projectId = await newProject()
  const text = `title\n${'"a"b\nGood\n'.repeat(2_000)}"Two\nlines",\nc"d\n"""Quoted"" well"\nLast\n`
  const { body } = await importInto(projectId, 'csv', Buffer.from(text), '&dryRun=true')
  expect([body.created, body.failed]).toEqual([2_002, 2_002])
  const failed = body.results.filter(({ status }: { status: string }) => status === 'FAILED')
  expect(failed.slice(0, 3).map(({ line }: { line: number }) => line)).toEqual([2, 4, 6])
  expect(failed[0].message).toBe('is not valid CSV: a cell has a quotation mark in the wrong place')
})

test('a file of 500 columns is read, and one of 501 is refused', async () => {
  const projectId = await newProject()
  const wide = (columns: number) => Buffer.from(`title${','.repeat(columns - 1)}\nOne\n`)
  expect((await importInto(projectId, 'csv', wide(500), '&dryRun=true')).body.created).toBe(1)
  const { status, body } = await importInto(projectId, 'csv', wide(501), '&dryRun=true')
  expect([status, body.detail]).toEqual([422, expect.stringContaining('501 columns, and 500 are the most')])
})

const BROKEN = Buffer.concat([
  Buffer.from(
    '\ufeffName;Prio;labels;assignees;Foo\r\n"Two\r\nlines";9;;;\r\nGood;2;"a,b";nobody@example.org;1\r\n\r\nBad "quote;1;;;\r\n',
  ),
  Buffer.from([0xff, 0xfe]),
  Buffer.from(';1;;;\r\nLast;;;;\r\n'),
])

test('a bad line is reported by its number and stops the rest only if asked; a dry run says the same', async () => {
  const projectId = await newProject()
  const dry = await importInto(projectId, 'csv', BROKEN, '&map=Name:title,Prio:priority&dryRun=true')
  expect(await server.db.task.count({ where: { projectId } })).toBe(0)
  expect(await server.db.label.count({ where: { projectId } })).toBe(0)
  const wet = await importInto(projectId, 'csv', BROKEN, '&map=Name:title&map=Prio:priority')
  const told = ({ body }: RestAnswer) =>
    body.results.map(({ line, status, message, warnings }: Record<string, unknown>) => [
      line,
      status,
      message,
      warnings,
    ])
  expect(told(wet), wet.text).toEqual([
    [2, 'FAILED', expect.stringContaining('title: must be one line'), []],
    [4, 'CREATED', null, ['assignees: "nobody@example.org" is not a member of the project']],
    [6, 'FAILED', expect.stringContaining('is not valid CSV'), []],
    [7, 'FAILED', 'Name: is not valid UTF-8', []],
    [8, 'CREATED', null, []],
  ])
  expect(told(dry)).toEqual(told(wet))
  expect([wet.body.dryRun, dry.body.dryRun]).toEqual([false, true])
  expect(wet.body.unknownColumns).toEqual(['Foo'])
  const stopped = await importInto(
    projectId,
    'ndjson',
    '{"title":"Kept"}\n{"title":5}\n{"title":"Not read"}',
    '&onError=stop',
  )
  expect(countsOf(stopped)).toEqual([1, 0, 0, 0, 1])
  expect(stopped.body).toMatchObject({ stopped: true, results: [{ line: 1 }, { line: 2, status: 'FAILED' }] })
  const titles = await server.db.task.findMany({ where: { projectId }, orderBy: { number: 'asc' } })
  expect(titles.map(({ title }) => title)).toEqual(['Good', 'Last', 'Kept'])
})

const fixture = (name: string) => readFileSync(new URL(`fixtures/import/${name}`, import.meta.url), 'utf8')

test.each([
  [
    'todoist',
    'todoist.csv',
    [
      'Plant tulips|PENDING|5|Garden,outside,spring|',
      'Buy bulbs|PENDING|1|Garden|Plant tulips',
      'Water the lawn|PENDING|4|Garden|',
    ],
    0,
  ],
  [
    'trello',
    'trello.json',
    ['Write the text|IN_PROGRESS|1|Copy|', 'Choose a name|COMPLETED|1||', 'Old idea|CANCELLED|1|Ideas,red|'],
    0,
  ],
  ['vikunja', 'vikunja.json', ['Paint the wall|IN_PROGRESS|4|weekend|', 'Buy paint|COMPLETED|1||Paint the wall'], 0],
  [
    'github',
    'github.json',
    ['Crash on start|PENDING|1|bug|', 'Dark mode|COMPLETED|1||', 'A fax machine|CANCELLED|1||'],
    1,
  ],
])('a file of %s is imported, and again without a change', async (format, name, expected, skipped) => {
  const projectId = await newProject()
  const answer = await importInto(projectId, format, fixture(name))
  expect(countsOf(answer), answer.text).toEqual([expected.length, 0, 0, skipped, 0])
  const tasks = await server.db.task.findMany({
    where: { projectId },
    orderBy: { number: 'asc' },
    include: { parent: true, labels: { include: { label: true } } },
  })
  const shown = tasks.map(({ title, status, priority, labels, parent }) =>
    [title, status, priority, labels.map(({ label }) => label.name).sort(), parent?.title ?? ''].join('|'),
  )
  expect(shown).toEqual(expected)
  expect(answer.body.results[0].warnings).toEqual([expect.stringMatching(/^assignees: /)])
  expect(countsOf(await importInto(projectId, format, fixture(name)))).toEqual([0, 0, expected.length, skipped, 0])
})

test('requests that cannot be read are refused with a reason', async () => {
  const projectId = await newProject()
  const code = async (asked: Promise<RestAnswer>) => {
    const { status, body } = await asked
    return `${status} ${body.code} ${body.detail}`
  }
  expect(await code(importInto(projectId, 'trello', '{"cards": [{"id": 1,'))).toMatch(
    /^422 .* ends before its JSON does/,
  )
  expect(await code(importInto(projectId, 'github', '[{]'))).toMatch(/^422 .* is not valid JSON/)
  expect(await code(importInto(projectId, 'github', '['.repeat(100)))).toMatch(/^422 .* nested more than 60/)
  expect(await code(importInto(projectId, 'github', `[{"title": "${'x'.repeat(2_000_000)}"}]`))).toMatch(
    /^422 .* 1048576 bytes/,
  )
  expect(await code(importInto(projectId, 'csv', new Uint8Array([0xff, 0xfe, 65, 0])))).toMatch(/^422 .* UTF-16/)
  const call = `POST /tasks/import?projectId=${projectId}&format=csv`
  const ask = (headers: Record<string, string>) => rest(server, call, { token: user.token, raw: 'title\nA', headers })
  expect(await code(ask({ 'content-type': 'text/html' }))).toMatch(/^415 /)
  expect(await code(ask({ 'content-type': 'text/csv', 'idempotency-key': 'once' }))).toMatch(
    /^422 .* not supported here: the body is read once/,
  )
  expect(await server.db.task.count({ where: { projectId } })).toBe(0)
})
