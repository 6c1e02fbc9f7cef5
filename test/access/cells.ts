import type { World } from './cast.ts'
import type { Answer } from './doors.ts'
import { type Expected, PERSONAS, type Persona, personas } from './matrix.ts'

/** One cell of the matrix: a persona asked an operation through one door, in a world. */
export interface Cell {
  /** The protocol. */
  door: string
  persona: Persona
  world: World
  expected: Expected
  answer: Answer
}

/** What is wrong, a line a cell with what was asked and answered. `more` looks closer at answers of the right code. */
export function wrongCells(cells: readonly Cell[], more: (cell: Cell) => string | undefined = () => undefined): string {
  const wrong = cells.flatMap((cell) => {
    const { door, persona, expected, answer } = cell
    const problem = answer.code === expected ? more(cell) : `expected ${expected}, heard ${answer.code}`
    return problem ? [`${PERSONAS[persona].who}, over ${door}: ${problem}\n  ${answer.exchange}`] : []
  })
  return wrong.join('\n')
}

const NAMES = /[0-9a-f]{8}-[0-9a-f-]{27}|P[0-9A-F]{9}-\d+/g

/** Whom the protocols refuse in different words. */
export function disagreements(cells: readonly Cell[]): string[] {
  return personas.flatMap((persona) => {
    const answers = cells.filter((cell) => cell.persona === persona).map(({ answer }) => answer)
    const said = new Set(answers.map(({ message }) => message?.replace(NAMES, 'ID')))
    return said.size > 1 ? [`${PERSONAS[persona].who} hears ${[...said].join(' | ')}`] : []
  })
}

/** An e-mail address is shown to its owner and to ADMINs: what is wrong with an answer that has another. */
export function foreignAddress(data: unknown, { self, persona }: World): string | undefined {
  if (persona === 'admn' || persona === 'adm') return undefined
  const shown = [...JSON.stringify(data ?? null).matchAll(/"email":"([^"]+)"/g)].map((match) => match[1])
  const foreign = shown.filter((address) => address !== self.email)
  return foreign.length > 0 ? `was shown the addresses ${foreign}` : undefined
}
