import type { Answer } from './doors.ts'
import type { Expected } from './matrix.ts'
import { PERSONAS, type Persona, personas } from './personas.ts'
import type { World } from './world.ts'

/** One cell of the matrix: an operation that a persona ran through one door, in a world. */
export interface Cell {
  /** Name of the protocol or of the REST alias. */
  door: string
  persona: Persona
  world: World
  expected: Expected
  answer: Answer
}

/** Reports each wrong cell with its request and response. `more` inspects the right ones. */
export function wrongCells(cells: readonly Cell[], more: (cell: Cell) => string | undefined = () => undefined): string {
  const wrong = cells.flatMap((cell) => {
    const { door, persona, expected, answer } = cell
    const problem = answer.code === expected ? more(cell) : `expected ${expected}, received ${answer.code}`
    return problem ? [`${PERSONAS[persona].who}, over ${door}: ${problem}\n  ${answer.exchange}`] : []
  })
  return wrong.join('\n')
}

const NAMES = /[0-9a-f]{8}-[0-9a-f-]{27}|P[0-9A-F]{9}-\d+/g

/** Reports the personas whose error message differs between protocols. */
export function disagreements(cells: readonly Cell[]): string[] {
  return personas.flatMap((persona) => {
    const answers = cells.filter((cell) => cell.persona === persona).map(({ answer }) => answer)
    const said = new Set(answers.map(({ message }) => message?.replace(NAMES, 'ID')))
    return said.size > 1 ? [`${PERSONAS[persona].who} receives ${[...said].join(' | ')}`] : []
  })
}

/** Reports e-mail addresses in a response that are not the viewer's own, unless it is an ADMIN. */
export function foreignAddress(data: unknown, { self, persona }: World): string | undefined {
  if (persona === 'admn' || persona === 'adm') return undefined
  const shown = [...JSON.stringify(data ?? null).matchAll(/"email":"([^"]+)"/g)].map((match) => match[1])
  const foreign = shown.filter((address) => address !== self.email)
  return foreign.length > 0 ? `leaked the addresses ${foreign}` : undefined
}

const CHANGING = ['lastUsedAt', 'databaseBytes', 'uptimeSeconds']

/** Clears what changes from one request to the next. */
export const steady = (data: unknown): unknown =>
  data === undefined ? data : JSON.parse(JSON.stringify(data), (key, value) => (CHANGING.includes(key) ? null : value))
