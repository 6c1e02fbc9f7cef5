import type { Catalogue } from './catalogue.ts'

/** The rule holds for migrations after this one. Earlier ones came before it. */
export const RULE_SINCE = '20261127141102_attachments_of_a_person'

/** In a migration that removes what no running release uses any more. */
const CONTRACT = /^-- contract: unused since (\d+\.\d+\.\d+)$/m

export interface MigrationStep {
  name: string
  sql: string
  before: Catalogue
  after: Catalogue
}

/**
 * Returns what a migration does that breaks the release before it, which runs beside the new one
 * during an upgrade. Empty for a contract step whose release is among the given ones.
 */
export function rollingProblems({ name, sql, before, after }: MigrationStep, releases: readonly string[]): string[] {
  const broken = brokenObjects(before, after)
  const release = CONTRACT.exec(sql)?.[1]
  if (broken.length === 0) {
    return release === undefined ? [] : [`${name}: is marked as a contract step, but removes nothing`]
  }
  if (release === undefined) {
    return broken.map((problem) => `${name}: ${problem}. The release before would fail beside the new one`)
  }
  return releases.includes(release) ? [] : [`${name}: names ${release}, which CHANGELOG.md does not list as a release`]
}

/** Returns the versions that a changelog lists. */
export const releasesOf = (changelog: string): string[] =>
  [...changelog.matchAll(/^## \[?(\d+\.\d+\.\d+)/gm)].map(([, version = '']) => version)

function brokenObjects(before: Catalogue, after: Catalogue): string[] {
  const problems: string[] = []
  for (const [object, old] of before) {
    const now = after.get(object)
    if (now === undefined) {
      if (isUsed(object, after)) problems.push(`drops or renames the ${object}`)
    } else if (now !== old) problems.push(...brokenBy(object, old, now))
  }
  for (const [object, definition] of after) {
    if (!before.has(object)) problems.push(...brokenByNew(object, definition, before))
  }
  return problems
}

/** Objects that a release uses by name, or whose effect it relies on. */
function isUsed(object: string, after: Catalogue): boolean {
  const [kind, name = ''] = object.split(' ')
  // Its table says it already.
  if (kind === 'column') return after.has(`table ${tableOf(name)}`)
  return ['table', 'enum', 'view', 'function', 'sequence', 'trigger'].includes(kind ?? '')
}

const tableOf = (column: string) => column.slice(0, column.indexOf('.'))

function brokenBy(object: string, old: string, now: string): string[] {
  switch (object.split(' ')[0]) {
    case 'column':
      return brokenColumn(object, parseColumn(old), parseColumn(now))
    case 'enum': {
      const labels = now.split(' ')
      const gone = old.split(' ').filter((label) => !labels.includes(label))
      return gone.map((label) => `drops or renames the value ${label} of the ${object}`)
    }
    case 'function':
      return returnsOf(old) === returnsOf(now) ? [] : [`changes what the ${object} returns`]
    case 'check':
    case 'constraint':
      return allows(now, old) ? [] : [`changes the ${object} to ${now}`]
    case 'index':
      return isUnique(now) ? [`changes the unique ${object}`] : []
    default:
      return []
  }
}

interface Column {
  type: string
  isRequired: boolean
  hasDefault: boolean
}

function parseColumn(definition: string): Column {
  const [rest = '', fallback] = definition.split(/ DEFAULT (.*)/s)
  return {
    type: rest.replace(/ NOT NULL$/, ''),
    isRequired: rest.endsWith(' NOT NULL'),
    hasDefault: fallback !== undefined,
  }
}

function brokenColumn(object: string, old: Column, now: Column): string[] {
  const problems: string[] = []
  if (old.type !== now.type && !widens(old.type, now.type)) {
    problems.push(`changes the type of the ${object} from ${old.type} to ${now.type}`)
  }
  if (now.isRequired && !old.isRequired && !now.hasDefault)
    problems.push(`sets NOT NULL on the ${object}, which has no default`)
  if (now.isRequired && old.hasDefault && !now.hasDefault) problems.push(`drops the default of the ${object}`)
  return problems
}

/** Types whose values all fit into the next one. */
const WIDER = [['smallint', 'integer', 'bigint']]

function widens(old: string, now: string): boolean {
  if (WIDER.some((types) => types.includes(old) && types.indexOf(now) > types.indexOf(old))) return true
  const length = (type: string) => {
    const found = /^character varying(?:\((\d+)\))?$/.exec(type)
    return type === 'text' ? Infinity : found ? Number(found[1] ?? Infinity) : undefined
  }
  const [from, to] = [length(old), length(now)]
  return from !== undefined && to !== undefined && to >= from
}

function brokenByNew(object: string, definition: string, before: Catalogue): string[] {
  const [kind = '', name = ''] = object.split(' ')
  if (kind === 'column') {
    const { isRequired, hasDefault } = parseColumn(definition)
    const isOfOldTable = before.has(`table ${tableOf(name)}`)
    return isOfOldTable && isRequired && !hasDefault ? [`adds the ${object} as NOT NULL without a default`] : []
  }
  if (kind === 'index' ? isUnique(definition) : kind === 'check' || kind === 'constraint') {
    return concernsOld(definition, before) ? [`adds the ${object} to columns that exist: ${definition}`] : []
  }
  return []
}

const isUnique = (definition: string) => definition.startsWith('CREATE UNIQUE')

/** Checks whether a constraint or an index names only columns that were there before. */
function concernsOld(definition: string, before: Catalogue): boolean {
  const table = /^CREATE .*? ON (?:public\.)?"?(\w+)|^"?(\w+)/.exec(definition)?.slice(1).find(Boolean) ?? ''
  if (!before.has(`table ${table}`)) return false
  const words = new Set(definition.match(/\w+/g))
  const columns = [...before.keys()].filter((object) => object.startsWith(`column ${table}.`))
  return columns.some((object) => words.has(object.slice(object.indexOf('.') + 1)))
}

/** Checks whether a list of allowed values has only grown. */
function allows(now: string, old: string): boolean {
  const values = (text: string) => text.match(/'[^']*'/g) ?? []
  const frame = (text: string) => text.replace(/'[^']*'(::\w+)?,? ?/g, '')
  const wide = new Set(values(now))
  return frame(now) === frame(old) && values(old).every((value) => wide.has(value))
}

const returnsOf = (definition: string) => /^\s*RETURNS (.*)$/m.exec(definition)?.[1]
