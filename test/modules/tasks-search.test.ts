import { beforeAll, expect, test } from 'vitest'
import { type Cast, expectRefused, newCast, newLabel, newProject, newTask } from '../support/factories.ts'
import type { Operations } from '../support/operation-types.ts'
import { type Caller, data, describeApi } from '../support/operations.ts'
import { sharedServer, type TestServer } from '../support/server.ts'

/** Tasks to search: each has a distinctive title, most have a description. */
const TASKS: [title: string, description?: string][] = [
  ['Deployments to production', 'Rolls out on Fridays'],
  ['Write the release notes', 'Mention that we deploy to production'],
  ['Straße sperren', 'Wegen Bauarbeiten'],
  ['Łódź office', 'Kraków later'],
  ['École d’été', 'Ça commence à Genève'],
  ['Поезд в Москву', 'Купить БИЛЕТ'],
  ['ΑΘΗΝΑ and Ελλάδα'],
  ['Fix user_profile.page (v2.10)', 'See https://example.org/docs/setup?x=1 and mail ann@example.org'],
  ['Running late', 'He ran, she runs'],
  ['日本語 テスト'],
  ['The of and', 'to be or not to be'],
  ['Emoji 🌉 bridge'],
  ['Punctuation only below', '!!! ??? &&& |||'],
]

let server: TestServer
let cast: Cast
let owner: Caller
let projectId: string

beforeAll(async () => {
  server = await sharedServer()
  cast = await newCast(server)
  owner = cast.people.OWNER
  projectId = cast.projectId
  for (const [title, description] of TASKS) await newTask(owner, { projectId, title, description })
})

const titlesOf = (page: { nodes: { title: string }[] }) => page.nodes.map(({ title }) => title)

describeApi('a search', (api) => {
  const find = async (search: unknown, caller = owner, more: object = {}) =>
    titlesOf(data(await api.listTasks(caller, { filter: { search, projectId, ...more }, first: 100 })))

  test.each<[string, string[]]>([
    ['deployments', ['Deployments to production', 'Write the release notes']],
    ['deploy', ['Deployments to production', 'Write the release notes']],
    ['DEPLOYING', ['Deployments to production', 'Write the release notes']],
    ['run', ['Running late']],
    ['friday', ['Deployments to production']],
    // The last word may be a prefix; the others must be complete.
    ['produ', ['Deployments to production', 'Write the release notes']],
    ['release no', ['Write the release notes']],
    ['relea notes', []],
    ['notes relea', ['Write the release notes']],
    // Every word must match, in any position.
    ['production fridays', ['Deployments to production']],
    ['notes production', ['Write the release notes']],
    ['production bridge', []],
    ['strasse', ['Straße sperren']],
    ['STRASSE', ['Straße sperren']],
    ['straße', ['Straße sperren']],
    ['STRASS', ['Straße sperren']],
    ['lodz', ['Łódź office']],
    ['ŁÓDŹ', ['Łódź office']],
    ['łódź krakow', ['Łódź office']],
    ['ecole', ['École d’été']],
    ['ÉCOLE ete', ['École d’été']],
    ['E\u0301COLE', ['École d’été']],
    ['ca geneve', ['École d’été']],
    ['москву', ['Поезд в Москву']],
    ['МОСКВУ билет', ['Поезд в Москву']],
    ['поез', ['Поезд в Москву']],
    ['αθηνα', ['ΑΘΗΝΑ and Ελλάδα']],
    ['ΕΛΛΑΔΑ', ['ΑΘΗΝΑ and Ελλάδα']],
    ['user_profile', ['Fix user_profile.page (v2.10)']],
    ['profile', ['Fix user_profile.page (v2.10)']],
    ['v2.10', ['Fix user_profile.page (v2.10)']],
    ['ann@example.org', ['Fix user_profile.page (v2.10)']],
    ['docs/setup', ['Fix user_profile.page (v2.10)']],
    ['日本語', ['日本語 テスト']],
    ['日本', ['日本語 テスト']],
    ['"release" (notes)', ['Write the release notes']],
    ['bridge 🌉', ['Emoji 🌉 bridge']],
    ['bri 🌉', ['Emoji 🌉 bridge']],
    ['  release\t\n notes  ', ['Write the release notes']],
    ['nothing like it', []],
    ['-release', ['Write the release notes']],
  ])('for %j finds %j', async (search, titles) => {
    expect((await find(search)).sort()).toEqual([...titles].sort())
  })

  test('matches a final stop word as a prefix and ignores other stop words', async () => {
    expect(await find('the')).toContain('The of and')
    expect(await find('the release')).toEqual(['Write the release notes'])
    expect(await find('of the release notes')).toEqual(['Write the release notes'])
  })

  test('ranks matches in the title before matches in the description', async () => {
    const { id } = await newProject(owner)
    await newTask(owner, { projectId: id, title: 'Below', description: 'A harbour at last' })
    await newTask(owner, { projectId: id, title: 'Harbour' })
    await newTask(owner, { projectId: id, title: 'Below again', description: 'One more harbour' })
    const page = async (args: object) =>
      titlesOf(data(await api.listTasks(owner, { filter: { projectId: id, search: 'harbour' }, ...args })))
    expect((await page({}))[0]).toBe('Harbour')
    expect((await page({ orderBy: [{ field: 'RELEVANCE', direction: 'DESC' }] }))[0]).toBe('Harbour')
    expect((await page({ orderBy: [{ field: 'RELEVANCE', direction: 'ASC' }] })).at(-1)).toBe('Harbour')
    expect(await page({ orderBy: [{ field: 'CREATED_AT' }] })).toEqual(['Below', 'Harbour', 'Below again'])
    expect(
      await page({
        orderBy: [
          { field: 'RELEVANCE', direction: 'DESC' },
          { field: 'TITLE', direction: 'DESC' },
        ],
      }),
    ).toEqual(['Harbour', 'Below again', 'Below'])
  })

  test('pages in both directions, counts matches and reports that none were cut off', async () => {
    const { id } = await newProject(owner)
    for (let index = 0; index < 7; index++)
      await newTask(owner, { projectId: id, title: `Lighthouse ${index}`, description: index % 2 ? 'lighthouse' : '' })
    const filter = { projectId: id, search: 'lighthouses' }
    const whole = data(await api.listTasks(owner, { filter, totalCount: true, first: 100 }))
    expect(whole.totalCount).toBe(7)
    expect(whole.searchTruncated).toBe(false)
    const forwards: string[] = []
    for (let after: string | undefined, more = true; more; ) {
      const page = data(await api.listTasks(owner, { filter, first: 3, ...(after && { after }) }))
      forwards.push(...titlesOf(page))
      // A better match created meanwhile must not shift later pages.
      if (after === undefined) await newTask(owner, { projectId: id, title: 'Lighthouse lighthouse', parentId: null })
      after = page.pageInfo.endCursor
      more = page.pageInfo.hasNextPage
    }
    expect(forwards).toEqual(titlesOf(whole))
    const last = { last: 2, before: whole.pageInfo.endCursor }
    expect(titlesOf(data(await api.listTasks(owner, { filter, ...last })))).toEqual(titlesOf(whole).slice(4, 6))
  })

  test('finds only visible tasks with their current text, and trashed tasks only in the trash', async () => {
    const word = `W${crypto.randomUUID().replaceAll('-', '')}`
    const task = await newTask(owner, { projectId, title: `Earlier ${word}` })
    const search = async (caller: Caller, text: string, more: object = {}) =>
      titlesOf(data(await api.listTasks(caller, { filter: { search: text, ...more } })))
    expect(await search(cast.people.VIEWER, word)).toEqual([`Earlier ${word}`])
    expect(await search(cast.people.ADMIN, word.toLowerCase())).toEqual([`Earlier ${word}`])
    expect(await search(cast.people.stranger, word)).toEqual([])
    data(await api.updateTask(owner, task.id, { title: 'Later', description: `Now ${word}x` }))
    expect(await search(owner, `earlier ${word}`)).toEqual([])
    expect(await search(owner, `later ${word}`)).toEqual(['Later'])
    const other = await newProject(owner)
    data(await api.moveTask(owner, task.id, other.id))
    expect(await search(cast.people.VIEWER, word)).toEqual([])
    expect(await search(owner, word, { projectId: other.id })).toEqual(['Later'])
    expect(await search(owner, word, { projectId })).toEqual([])
    data(await api.deleteTask(owner, task.id))
    expect(await search(owner, word)).toEqual([])
    expect(await search(owner, word, { deleted: true })).toEqual(['Later'])
    expectRefused(await api.listTasks({ url: cast.url }, { filter: { search: word } }), 'UNAUTHENTICATED', [])
  })

  test('combines with every other condition and works inside and, or and not', async () => {
    const { id } = await newProject(owner)
    const label = await newLabel(owner, id)
    await newTask(owner, { projectId: id, title: 'Red boat', labelIds: [label.id], priority: 5 })
    await newTask(owner, { projectId: id, title: 'Blue boat', description: 'not red', priority: 2 })
    await newTask(owner, { projectId: id, title: 'Red car', assigneeIds: [cast.people.OWNER.id] })
    const list = async (filter: object) =>
      titlesOf(data(await api.listTasks(owner, { filter: { projectId: id, ...filter } }))).sort()
    expect(await list({ search: 'boats', priority: { gte: 3 } })).toEqual(['Red boat'])
    expect(await list({ search: 'red', labelId: { any: [label.id] } })).toEqual(['Red boat'])
    expect(await list({ search: 'red', assigneeId: ['me'] })).toEqual(['Red car'])
    expect(await list({ or: [{ search: 'blue' }, { search: 'car' }] })).toEqual(['Blue boat', 'Red car'])
    expect(await list({ and: [{ search: 'boat' }, { not: { search: 'blue' } }] })).toEqual(['Red boat'])
    expect(await list({ search: 'boat', not: { search: 'red' } })).toEqual([])
  })
})

/** Search text that could break a query: operators, quotes, wildcards, unusual characters. */
const HOSTILE = [
  "a'b",
  'a\'\'; DROP TABLE "Task"; --',
  'a"b',
  'a\\b',
  "a\\'b",
  "'a':*",
  'a & b',
  'a | b',
  '!a',
  'a:*',
  'a:ABCD',
  'a <-> b',
  'a <2> b',
  '(a',
  'a)',
  '((((a',
  'a && !! || b',
  '%a_',
  'a*',
  '$1 a',
  '$' + '{a}',
  'a\u200bb',
  'a\u202eb',
  'ﷺ',
  '🌉',
  'a 🌉',
  '👩‍👩‍👧‍👦 a',
  'a\u0301\u0302\u0303',
  '½ ² ª',
  'İstanbul ı',
  '١٢٣',
  'ａｂｃ',
  '=01890000000070008000000000000000',
  'a'.repeat(200),
  'ß'.repeat(200),
  '﷽'.repeat(200),
  'a '.repeat(100),
  '\u0001a',
  'a\u007fb',
  'NULL',
  'e\u0301 \u0301',
  '\ufeffa',
]
const REFUSED: [string, unknown][] = [
  ['an empty text', ''],
  ['white space', ' \t\n '],
  ['punctuation only', '!?.,;-'],
  ['operators only', '& | ! :* <->'],
  ['quotes only', `'"\\`],
  ['emoji only', '🌉🌉'],
  ['201 characters', 'a'.repeat(201)],
  ['201 emoji', '🌉'.repeat(201)],
  ['10,000 characters', 'a'.repeat(10_000)],
  ['a NUL', 'a\u0000b'],
]

describeApi('a search with unusual text', (api: Operations) => {
  test.each(HOSTILE.filter((one) => /[\p{L}\p{N}]/u.test(one)))('succeeds for %j', async (search) => {
    const { nodes } = data(await api.listTasks(owner, { filter: { search, projectId } }))
    expect(nodes.length).toBeLessThanOrEqual(TASKS.length)
    data(await api.listTasks(owner, { filter: { or: [{ search }, { not: { search } }] }, totalCount: true }))
  })

  test('finds a task that has the same text as its description', async () => {
    const { id } = await newProject(owner)
    for (const search of HOSTILE.filter((one) => /[\p{L}\p{N}]/u.test(one) && !one.includes('\u0001'))) {
      const task = await newTask(owner, { projectId: id, description: search })
      const { nodes } = data(await api.listTasks(owner, { filter: { search, projectId: id }, first: 100 }))
      const found = nodes.map((one: { id: string }) => one.id)
      expect(found, `${JSON.stringify(search)} did not find itself`).toContain(task.id)
    }
  })

  test.each(REFUSED)('rejects %s with the reason', async (_what, search) => {
    const outcome = await api.listTasks(owner, { filter: { search } })
    expectRefused(outcome, 'VALIDATION_FAILED', ['search'])
    expect(outcome.exchange).toMatch(/must (contain a letter or a digit|be at most 200 characters|not contain NUL)/)
    const within = await api.listTasks(owner, { filter: { and: [{ not: { search } }] } })
    expectRefused(within, 'VALIDATION_FAILED', ['and.not.search'])
  })

  test('rejects values that are not valid text', async () => {
    for (const search of [5, true, ['a'], { a: 1 }]) {
      const outcome = await api.listTasks(owner, { filter: { and: [{ search }] } })
      expectRefused(outcome, 'VALIDATION_FAILED', ['and.search'])
    }
    // Query strings are UTF-8: a lone surrogate reaches the server only inside JSON.
    expectRefused(await api.listTasks(owner, { filter: { not: { search: 'a\ud800' } } }), 'VALIDATION_FAILED', [
      'not.search',
    ])
  })

  test('cannot be ordered by relevance without search words at the top level', async () => {
    const orderBy = [{ field: 'RELEVANCE', direction: 'DESC' }]
    expectRefused(await api.listTasks(owner, { orderBy }), 'VALIDATION_FAILED', ['orderBy'])
    const filter = { or: [{ search: 'a' }] }
    expectRefused(await api.listTasks(owner, { filter, orderBy }), 'VALIDATION_FAILED', ['orderBy'])
  })
})
