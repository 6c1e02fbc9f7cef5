import type { Random } from '../../support/random.ts'

/**
 * Texts that have broken servers: too long, not UTF-8, code in other languages, malformed numbers
 * and dates.
 */
const HOSTILE = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\ud800',
  '%',
  '%00',
  '%zz',
  '../../etc/passwd',
  "'; DROP TABLE x; --",
  '" OR 1=1',
  '{{7*7}}',
  '<script>',
  '🙈'.repeat(50),
  'x'.repeat(5_000),
  'null',
  'undefined',
  'NaN',
  '-1',
  '1e999',
  '99999999999999999999',
  '2026-02-30',
  '9999-12-31T23:59:60Z',
  '-000001-01-01',
  '00000000-0000-0000-0000-000000000000',
  '01890000-0000-7000-8000-000000000000',
  '[]',
  '{}',
  '__proto__',
  'constructor',
] as const

const HOSTILE_VALUES = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e308,
  2 ** 53,
  [],
  {},
  [[]],
  { __proto__: null },
  [null],
] as const

export const hostileText = (random: Random): string =>
  random.chance(0.2) ? randomBytes(random, 40).toString('latin1') : random.pick(HOSTILE)

export const hostileValue = (random: Random): unknown =>
  random.chance(0.5) ? hostileText(random) : structuredClone(random.pick(HOSTILE_VALUES))

export const randomBytes = (random: Random, most: number): Buffer =>
  Buffer.from(Array.from({ length: random.below(most) }, () => random.below(256)))
