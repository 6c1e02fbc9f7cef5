import { describe, expect, test } from 'vitest'
import type { CompiledRead } from '../../src/database/compiled/read.ts'
import { createReadBatches, type RunText } from '../../src/database/compiled/read-batch.ts'

const readOf = (value: string): CompiledRead => ({
  text: 'SELECT row FROM things WHERE id = $1::uuid',
  values: [value],
  types: ['uuid'],
  decode: () => ({}),
})

/** Counts statements. Each fails with this code if the values include "bad". */
function failing(code: string) {
  const counted = { statements: 0 }
  const run: RunText = async (_text, values) => {
    counted.statements++
    if (values.flat().includes('bad')) throw Object.assign(new Error('refused'), { code })
    return values.flat().length > 1 ? values.flat().map((value, index) => `${index + 1} ${value}`) : values.map(String)
  }
  return { counted, readOne: createReadBatches(run) }
}

describe('a batch of reads', () => {
  test('is one statement for all that were asked for in one turn', async () => {
    const { counted, readOne } = failing('')
    expect(await Promise.all(['a', 'b', 'c'].map((value) => readOne(readOf(value))))).toEqual([['a'], ['b'], ['c']])
    expect(counted.statements).toBe(1)
  })

  test('runs each read alone if a value is at fault, so that the others succeed', async () => {
    const { counted, readOne } = failing('22P02')
    const outcomes = await Promise.allSettled(['a', 'bad', 'c'].map((value) => readOne(readOf(value))))
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(counted.statements).toBe(4)
  })

  test.each(['57014', '53300', '08006', ''])(
    'fails as a whole, without more load, if the database fails with %j',
    async (code) => {
      const { counted, readOne } = failing(code)
      const outcomes = await Promise.allSettled(['a', 'bad', 'c'].map((value) => readOne(readOf(value))))
      expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
      expect(counted.statements).toBe(1)
    },
  )
})
