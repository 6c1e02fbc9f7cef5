/** Prints the triggers of the nouns that modules declare with logged(). */
import { getDatamodel } from '../src/generated/pothos.ts'
import type { LoggedNoun } from '../src/schema/logged.ts'

/** One CREATE TRIGGER statement for each trigger of a noun. */
export function loggedTriggers(noun: LoggedNoun): string[] {
  const { rules } = noun
  if ('writtenBy' in rules) return [logTrigger(noun, `${noun.table}_log`, firingOf(noun), `${rules.writtenBy}()`)]
  const { versioned } = rules
  return [...(versioned ? [fixedTrigger(noun), versionTrigger(noun.table, versioned)] : []), ...logTriggers(noun)]
}

function fixedTrigger({ table, rules }: LoggedNoun): string {
  const { fixed = [], fixedInProject = [], project } = 'columns' in rules ? rules : {}
  const always = ['id', 'createdAt', ...fixed]
  const within = `(${changesOf(fixedInProject)}) AND OLD."${project}" IS NOT DISTINCT FROM NEW."${project}"`
  const condition = [changesOf(always), ...(fixedInProject.length > 0 ? [`(${within})`] : [])].join('\n    OR ')
  const words = [...always, ...fixedInProject]
  return `CREATE OR REPLACE TRIGGER "${table}_1_fixed" BEFORE UPDATE ON "${table}" FOR EACH ROW
  WHEN (${condition})
  EXECUTE FUNCTION refuse_change('${words.slice(0, -1).join(', ')} and ${words.at(-1)}');`
}

const changesOf = (columns: readonly string[]) =>
  columns.map((column) => `OLD."${column}" IS DISTINCT FROM NEW."${column}"`).join(' OR ')

/** "version" and "updatedAt" are among the columns because a statement must not set them. */
function versionTrigger(table: string, columns: readonly string[]): string {
  return `CREATE OR REPLACE TRIGGER "${table}_3_version" BEFORE UPDATE OF ${quoted([...columns, 'version', 'updatedAt'])} ON "${table}"
  FOR EACH ROW EXECUTE FUNCTION raise_version(${columns.map((column) => `'${column}'`).join(', ')});`
}

function logTriggers(noun: LoggedNoun): string[] {
  const call = `log_change('${JSON.stringify(argumentOf(noun))}')`
  const firing = firingOf(noun)
  const name = `${noun.table}_log`
  if (!('columns' in noun.rules && noun.rules.state)) return [logTrigger(noun, name, firing, call)]
  const removed = firing.includes('DELETE') ? [logTrigger(noun, `Log_removed_${noun.noun}`, ['DELETE'], call)] : []
  // The state of a deleted row includes rows that refer to it. The triggers of a table fire in the
  // order of their names, and this name comes before RI_…, the foreign keys that delete those rows.
  return [
    logTrigger(
      noun,
      name,
      firing.filter((change) => change !== 'DELETE'),
      call,
    ),
    ...removed,
  ]
}

const logTrigger = ({ table }: LoggedNoun, name: string, firing: readonly string[], call: string) =>
  `CREATE OR REPLACE TRIGGER "${name}" AFTER ${firing.join(' OR ')} ON "${table}" FOR EACH ROW
  EXECUTE FUNCTION ${call};`

/** Lists the changes that can lead to an event. */
function firingOf({ verbs, rules }: LoggedNoun): string[] {
  const { columns = [], ends, project } = 'columns' in rules ? rules : {}
  const watched = new Set([...columns, ...(ends ? [ends.column] : []), ...(verbs.leave && project ? [project] : [])])
  const updates = (verbs.update || ends) && watched.size > 0 ? [`UPDATE OF ${quoted([...watched])}`] : []
  return [...(verbs.insert ? ['INSERT'] : []), ...updates, ...(verbs.delete ? ['DELETE'] : [])]
}

/** The argument of log_change(): see prisma/functions/log.sql. */
function argumentOf({ noun, table, verbs, rules }: LoggedNoun) {
  if (!('columns' in rules)) throw new Error(`${noun} has a trigger function of its own`)
  const { ends, project, subject, columns, state } = rules
  const times = timesOf(table).filter((time) => columns.includes(time) || state?.includes(time))
  return { noun, verbs, ends, project, subject, columns, state, times }
}

function timesOf(table: string): string[] {
  const model = getDatamodel().datamodel.models[table]
  if (!model) throw new Error(`schema.prisma has no model ${table}`)
  return model.fields.filter(({ type }) => type === 'DateTime').map(({ name }) => name)
}

const quoted = (columns: readonly string[]) => columns.map((column) => `"${column}"`).join(', ')
