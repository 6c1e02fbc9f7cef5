import { PGlite } from '@electric-sql/pglite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Catalogue, readCatalogue } from '../../tools/catalogue.ts'
import { releasesOf, rollingProblems } from '../../tools/rolling-changes.ts'

/** A database as the release before left it. */
const BEFORE = `
  CREATE TYPE "Colour" AS ENUM ('RED', 'BLUE');
  CREATE TABLE "Task" (
    "id" integer PRIMARY KEY, "title" varchar(200) NOT NULL, "note" text, "done" boolean NOT NULL DEFAULT false,
    "size" integer, "type" text, "colour" "Colour", CONSTRAINT "Task_type_check" CHECK ("type" IN ('a', 'b')));
  CREATE INDEX "Task_title_idx" ON "Task" ("title");
  CREATE FUNCTION rank_of(task integer) RETURNS integer LANGUAGE sql AS 'SELECT task';
  CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
  CREATE TRIGGER "Task_touch" BEFORE UPDATE ON "Task" FOR EACH ROW EXECUTE FUNCTION touch();`

let db: PGlite
let before: Catalogue
beforeAll(async () => {
  db = await PGlite.create()
  await db.exec(BEFORE)
  before = await readCatalogue(db)
})
afterAll(() => db.close())

/** Applies a migration, checks it and takes it back. */
async function problemsOf(sql: string, releases: string[] = []): Promise<string[]> {
  await db.exec('BEGIN')
  try {
    await db.exec(sql)
    return rollingProblems({ name: 'm', sql, before, after: await readCatalogue(db) }, releases)
  } finally {
    await db.exec('ROLLBACK')
  }
}

const BREAKING: [string, string][] = [
  ['DROP TABLE "Task"', 'drops or renames the table Task'],
  ['ALTER TABLE "Task" RENAME TO "Job"', 'drops or renames the table Task'],
  ['ALTER TABLE "Task" DROP COLUMN "note"', 'drops or renames the column Task.note'],
  ['ALTER TABLE "Task" RENAME "note" TO "text"', 'drops or renames the column Task.note'],
  ['ALTER TABLE "Task" ALTER "note" SET NOT NULL', 'sets NOT NULL on the column Task.note, which has no default'],
  ['ALTER TABLE "Task" ALTER "done" DROP DEFAULT', 'drops the default of the column Task.done'],
  ['ALTER TABLE "Task" ADD "must" text NOT NULL', 'adds the column Task.must as NOT NULL without a default'],
  [
    'ALTER TABLE "Task" ALTER "title" TYPE varchar(100)',
    'changes the type of the column Task.title from character varying(200) to character varying(100)',
  ],
  [
    'ALTER TABLE "Task" ALTER "size" TYPE smallint',
    'changes the type of the column Task.size from integer to smallint',
  ],
  [
    'ALTER TABLE "Task" ALTER "note" TYPE bytea USING NULL',
    'changes the type of the column Task.note from text to bytea',
  ],
  ['DROP FUNCTION rank_of(integer)', 'drops or renames the function rank_of(integer)'],
  [
    `DROP FUNCTION rank_of(integer); CREATE FUNCTION rank_of(task integer, up boolean) RETURNS integer LANGUAGE sql AS 'SELECT task'`,
    'drops or renames the function rank_of(integer)',
  ],
  [
    `DROP FUNCTION rank_of(integer); CREATE FUNCTION rank_of(task integer) RETURNS bigint LANGUAGE sql AS 'SELECT task::bigint'`,
    'changes what the function rank_of(integer) returns',
  ],
  ['DROP TRIGGER "Task_touch" ON "Task"', 'drops or renames the trigger Task_touch'],
  [`ALTER TYPE "Colour" RENAME VALUE 'RED' TO 'PINK'`, 'drops or renames the value RED of the enum Colour'],
  [
    `ALTER TABLE "Task" DROP CONSTRAINT "Task_type_check", ADD CONSTRAINT "Task_type_check" CHECK ("type" IN ('a', 'c'))`,
    'changes the check Task_type_check',
  ],
  [
    `ALTER TABLE "Task" ADD CONSTRAINT "short" CHECK (length("title") < 9)`,
    'adds the check short to columns that exist',
  ],
  ['CREATE UNIQUE INDEX "one" ON "Task" ("title")', 'adds the index one to columns that exist'],
]

const EXPANDING = [
  'CREATE TABLE "Label" ("id" integer PRIMARY KEY, "name" text NOT NULL UNIQUE)',
  'ALTER TABLE "Task" ADD "extra" text',
  `ALTER TABLE "Task" ADD "state" text NOT NULL DEFAULT 'OPEN' CHECK ("state" <> '')`,
  'ALTER TABLE "Task" ALTER "title" TYPE text, ALTER "size" TYPE bigint, ALTER "title" DROP NOT NULL',
  `ALTER TABLE "Task" DROP CONSTRAINT "Task_type_check", ADD CONSTRAINT "Task_type_check" CHECK ("type" IN ('a', 'b', 'c'))`,
  'DROP INDEX "Task_title_idx"; CREATE INDEX "Task_size_idx" ON "Task" ("size")',
  `CREATE OR REPLACE FUNCTION rank_of(task integer) RETURNS integer LANGUAGE sql AS 'SELECT task + 1'`,
  `ALTER TYPE "Colour" ADD VALUE 'GREEN'`,
]

describe('a migration', () => {
  test.each(BREAKING)('is refused that breaks the release before: %s', async (sql, problem) => {
    const problems = await problemsOf(sql)
    expect(
      problems.some((one) => one.startsWith(`m: ${problem}`)),
      problems.join('\n'),
    ).toBe(true)
  })

  test.each(EXPANDING)('may expand: %s', async (sql) => {
    expect(await problemsOf(sql)).toEqual([])
  })

  test('may contract if it names a release that no longer used what it removes', async () => {
    const sql = '-- contract: unused since 0.2.0\nALTER TABLE "Task" DROP COLUMN "note"'
    expect(await problemsOf(sql, ['0.1.0', '0.2.0'])).toEqual([])
    expect(await problemsOf(sql, ['0.1.0'])).toEqual(['m: names 0.2.0, which CHANGELOG.md does not list as a release'])
  })

  test('that is marked as a contract step must remove something', async () => {
    const sql = '-- contract: unused since 0.1.0\nALTER TABLE "Task" ADD "extra" text'
    expect(await problemsOf(sql, ['0.1.0'])).toEqual(['m: is marked as a contract step, but removes nothing'])
  })
})

test('the releases of a changelog are its headings with a version', () => {
  expect(releasesOf('# Changelog\n\n## Unreleased\n\n## 0.2.0\n\n### Added\n\n## 0.1.0\n')).toEqual(['0.2.0', '0.1.0'])
})
