import { describe, expect, test } from 'vitest'
import { mentionsIn } from '../../src/modules/comments/mentions.ts'

const members = [
  { id: 'ada', name: 'Ada', email: 'ada@example.org' },
  { id: 'lovelace', name: 'Ada Lovelace', email: 'lovelace@example.org' },
  { id: 'zoe', name: 'Zoë Çelik', email: 'zoe@example.org' },
  { id: 'sam1', name: 'Sam', email: 'sam.one@example.org' },
  { id: 'sam2', name: 'Sam', email: 'sam.two@example.org' },
]

describe('a comment mentions', () => {
  test.each<[string, string, string[]]>([
    ['a member by e-mail address', 'Ask @ada@example.org, please', ['ada']],
    ['a member by name', '@Ada: done', ['ada']],
    ['the member with the longest name', 'cc @Ada Lovelace', ['lovelace']],
    ['in any case', '@ADA and @zoë çelik', ['ada', 'zoe']],
    ['a name however its accents are encoded', '@Zoe\u0308 C\u0327elik', ['zoe']],
    ['each member once, in the order of the text', '@zoe@example.org @Ada @zoe@example.org', ['zoe', 'ada']],
    ['a member before punctuation', '(@Ada)', ['ada']],
    ['nobody whose name continues as another word', '@Adam @Ada1', []],
    ['nobody in the middle of an e-mail address', 'write to info@Ada', []],
    ['nobody by a name that two members share', '@Sam and @sam.two@example.org', ['sam2']],
    ['nobody who is not a member', '@grace @grace@example.org', []],
    ['nobody without an @', 'Ada', []],
  ])('%s', (_case, body, expected) => {
    expect(mentionsIn(body, members)).toEqual(expected)
  })

  test('at most 50 people', () => {
    const crowd = Array.from({ length: 60 }, (_, index) => ({
      id: `${index}`,
      name: `P${index}`,
      email: `p${index}@example.org`,
    }))
    expect(mentionsIn(crowd.map(({ name }) => `@${name}`).join(' '), crowd)).toHaveLength(50)
  })
})
