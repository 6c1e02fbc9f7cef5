/** Random choices that a seed repeats. */
export interface Random {
  below(limit: number): number
  chance(probability: number): boolean
  pick<T>(items: readonly T[]): T
}

/** mulberry32 (public domain, Tommy Ettinger). */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (limit: number) => Math.floor(next() * limit)
  return {
    below,
    chance: (probability) => next() < probability,
    pick(items) {
      const item = items[below(items.length)]
      if (item === undefined) throw new Error('there is nothing to pick')
      return item
    },
  }
}

/** Texts that have broken servers: too long, not text, code of other languages, numbers that are none. */
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
