import { describe, expect, test } from 'vitest'
import { createStatementNames, NAMES_LIFETIME_SECONDS } from '../../src/database/statement-names.ts'

describe('statement names', () => {
  test('are given to repeated statements, one each', () => {
    const name = createStatementNames()
    expect([1, 2, 3, 4].map(() => name({ sql: 'a' }))).toEqual([undefined, undefined, 's1', 's1'])
    for (let index = 0; index < 3; index++) name({ sql: 'b' })
    expect(name({ sql: 'b' })).toBe('s2')
  })

  test('are at most 200, until they expire', () => {
    let now = 0
    const name = createStatementNames(() => now)
    const use = (sql: string) => [1, 2, 3].map(() => name({ sql })).at(-1)
    for (let index = 0; index < 200; index++) expect(use(`text ${index}`)).toBe(`s${index + 1}`)
    expect(use('late')).toBeUndefined()
    now = NAMES_LIFETIME_SECONDS * 1000
    expect(use('late')).toBe('s201')
    expect(name({ sql: 'text 0' })).toBeUndefined()
  })
})
