import fc from 'fast-check'
import pg from 'pg'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { parseConnection } from '../../src/database/connection.ts'
import { migrate } from '../../src/database/migrate.ts'
import { emptyPostgres, onPostgres } from '../support/database.ts'
import { check, draws, SEED, timeout } from '../support/draws.ts'
import { sharedServer, type TestServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await sharedServer()
})

/** Symbols that count before a word, after a word, and only between two. */
const LEADING = /[#$%&*+./@_~]*$/
const TRAILING = /^[#$%&*+=^_~]*/
const SYMBOLS = ['#', '$', '&', '*', '+', '.', '/', '@', '_', '-', "'", ':', '=', '\\', '++', '&-', '-#']

/** Words that are their own stems, so that the reference needs no grammar. */
const latin = fc.constantFrom('qx', 'qxz', 'zu', 'v', 'w9', '2', '10')
const kanji = fc.array(fc.constantFrom('東', '京', '都'), { minLength: 1, maxLength: 4 }).map((run) => run.join(''))
const piece = fc.oneof({ weight: 5, arbitrary: latin }, { weight: 2, arbitrary: kanji }, fc.constantFrom(...SYMBOLS))
const glue = fc.oneof(fc.constantFrom(' ', ' ', ' (', ', '), fc.constantFrom(...SYMBOLS), fc.constant(''))
const text = fc
  .array(fc.tuple(piece, glue), { minLength: 1, maxLength: 5 })
  .map((parts) => parts.flat().join(''))
  .filter((one) => /[\p{L}\p{N}]/u.test(one))

/** A run of one script with the symbols around it that count. */
function typedWords(typed: string): string[] {
  return typed
    .replaceAll(/[東京都]+/g, ' $& ')
    .split(/[ (,]+/)
    .filter((word) => /[\p{L}\p{N}]/u.test(word))
    .map((word) => {
      const [, before = '', core = '', after = ''] = /^([^\p{L}\p{N}]*)(.*?)([^\p{L}\p{N}]*)$/u.exec(word) ?? []
      return LEADING.exec(before) + core + TRAILING.exec(after)
    })
}

const isLetter = (one: string | undefined) => one !== undefined && /[a-z0-9]/.test(one)

/** Checks that a text contains a word where a word may begin and, unless it may go on, end. */
function contains(text: string, word: string, mayGoOn: boolean): boolean {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    const begins = !isLetter(word[0]) || !isLetter(text[at - 1])
    const ends = mayGoOn || !isLetter(word.at(-1)) || !isLetter(text[at + word.length])
    if (begins && ends) return true
  }
  return false
}

/** The simple rule that the SQL must agree with. */
function isFound(title: string, typed: string): boolean {
  const joined = title.replaceAll(/(?<=[a-z0-9])[-'](?=[a-z0-9])/g, '')
  const words = typedWords(typed)
  return words.every((word, index) => {
    const mayGoOn = index === words.length - 1 && word.length > 1
    const isPlain = /^[a-z0-9]+$/.test(word)
    return contains(title, word, mayGoOn) || (isPlain && contains(joined, word, mayGoOn))
  })
}

test('a search finds exactly the titles that contain each typed word', { timeout }, async () => {
  const drawn = fc.record({
    titles: fc.array(text, { minLength: 20, maxLength: 20 }),
    searches: fc.array(text, { minLength: 20, maxLength: 20 }),
  })
  let found = 0
  await check(draws(30), drawn, SEED, async ({ titles, searches }) => {
    // Parts of a title, so that many searches find something.
    const typed = [...searches, ...titles.map((title, index) => title.slice(index % 3, 4 + (index % 7)))].filter(
      (one) => /[\p{L}\p{N}]/u.test(one),
    )
    const rows = await server.db.$queryRaw<{ title: string; typed: string }[]>`
      SELECT title, typed FROM unnest(${titles}::text[]) AS title CROSS JOIN unnest(${typed}::text[]) AS typed
      WHERE task_words(title, NULL, '00000000-0000-0000-0000-000000000000') @@ search_query(typed)`
    const expected = titles.flatMap((title) =>
      typed.filter((one) => isFound(title, one)).map((one) => ({ title, typed: one })),
    )
    const print = (pairs: { title: string; typed: string }[]) =>
      pairs.map(({ title, typed }) => `${typed} in ${title}`).sort()
    expect(print(rows)).toEqual(print(expected))
    found += rows.length
  })
  expect(found).toBeGreaterThan(100)
})

test.runIf(onPostgres)('words are the same in a database of another locale and with other settings', async () => {
  const { url, drop } = await emptyPostgres("TEMPLATE template0 LOCALE 'C'")
  onTestFinished(drop)
  await migrate(parseConnection(url))
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  onTestFinished(() => client.end())
  await client.query(`SET backslash_quote = off; SET standard_conforming_strings = off; SET default_text_search_config = simple;
    SET lc_messages = 'C'; SET search_path TO public`)
  const texts = [
    'École d’ÉTÉ',
    'STRASSE Straße',
    'ΣΊΣΥΦΟΣ',
    "C++ a_b don't",
    'a\\b',
    '日本語のタスク ガイド',
    'Łódź İstanbul',
    'БИЛЕТ running',
  ]
  const words = `SELECT task_words(typed, typed, '00000000-0000-0000-0000-000000000000')::text AS words,
    search_query(typed)::text AS query, literal_query(typed)::text AS literal FROM unnest($1::text[]) AS typed`
  const { rows } = await client.query(words, [texts])
  expect(rows).toEqual(await server.db.$queryRawUnsafe(words, texts))
  expect(rows[2].words).toContain("'σισυφοσ':1A")
})
