import { z } from 'zod'
import { builder } from './builder.ts'
import { GENRES, SORT_FIELDS } from './store.ts'

/** Rules with examples. Both show in the documentation. */

const line = (max: number) => z.string().trim().min(1).max(max).meta({ minLength: 1, maxLength: max, pattern: '\\S' })

const title = line(200).meta({ examples: ['The Time Machine'] })
const author = line(100).meta({ examples: ['H. G. Wells'] })
const year = z
  .int()
  .min(-3_000)
  .max(2_100)
  .meta({ examples: [1895] })
const genre = z.enum(GENRES).meta({ examples: ['FICTION'] })
const summary = z
  .string()
  .max(2_000)
  .meta({ maxLength: 2_000, pattern: '^[^\\u0000]*$', examples: ['A journey.'] })

const given = <Rule extends z.ZodType>(rule: Rule) =>
  rule.nullish().refine((value): boolean => value !== null, 'must not be null: this field cannot be cleared')

export const bookRules = z.object({ title, author, year, genre, summary: summary.nullish() })

export const changeRules = z.object({
  title: given(title),
  author: given(author),
  year: given(year),
  genre: given(genre),
  summary: summary.nullish(),
})

const range = z.object({ gte: year.nullish(), lte: year.nullish() })
const cursor = z
  .string()
  .regex(/^[\w-]+$/, 'is not a cursor')
  .meta({ maxLength: 40 })

export const listRules = z.object({
  filter: z
    .object({ genre: z.array(genre).max(4).nullish(), author: line(100).nullish(), year: range.nullish() })
    .nullish(),
  sort: z.array(z.unknown()).max(3).nullish(),
  first: z.int().min(1).max(100).nullish(),
  after: cursor.nullish(),
  offset: z.int().min(0).max(10_000).nullish(),
})

export const captionRule = line(200)

export const Genre = builder.enumType('Genre', { values: GENRES })
const SortField = builder.enumType('BookSortField', { values: SORT_FIELDS })
const Direction = builder.enumType('Direction', { values: ['ASC', 'DESC'] as const })

export const BookInput = builder.inputType('BookInput', {
  description: 'A whole book: what is left out becomes empty.',
  validate: bookRules,
  fields: (t) => ({
    title: t.string({ required: true }),
    author: t.string({ required: true }),
    year: t.int({ required: true, description: 'Negative before our era.' }),
    genre: t.field({ type: Genre, required: true }),
    summary: t.string(),
  }),
})

export const BookChange = builder.inputType('BookChange', {
  description: 'Some fields of a book: what is left out stays, null clears.',
  validate: changeRules,
  fields: (t) => ({
    title: t.string(),
    author: t.string(),
    year: t.int(),
    genre: t.field({ type: Genre }),
    summary: t.string(),
  }),
})

const YearRange = builder.inputType('YearRange', {
  fields: (t) => ({ gte: t.int({ description: 'From this year.' }), lte: t.int({ description: 'Up to this year.' }) }),
})

export const BookFilterInput = builder.inputType('BookFilter', {
  fields: (t) => ({
    genre: t.field({ type: [Genre], description: 'Any of these.' }),
    author: t.string({ description: 'Part of the name.' }),
    year: t.field({ type: YearRange }),
  }),
})

export const BookOrderInput = builder.inputType('BookOrder', {
  fields: (t) => ({
    field: t.field({ type: SortField, required: true }),
    direction: t.field({ type: Direction, required: true }),
  }),
})
