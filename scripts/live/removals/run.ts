import { decodeCursor, type LoggedEvent } from '../../../src/events/log.ts'
import { createRandom } from '../../fuzz/random.ts'
import { readWholeLog } from '../soak/log.ts'
import { type MortalServer, startServers } from '../soak/servers.ts'
import { openWorld } from '../world.ts'
import { type Lane, runTrial, type Stream, type Trial } from './trial.ts'

export interface RemovalsOptions {
  trials: number
  seed: number
  embedded: boolean
  /** Told how many trials are over. */
  progress?(line: string): void
}

/** Trials that run at once. */
const LANES = 4

/** Removes members while they follow; holds what they were told against the log. Answers what is wrong, in sentences, and what happened. */
export async function removals(options: RemovalsOptions): Promise<{ differences: string[]; summary: string }> {
  const random = createRandom(options.seed)
  const world = await openWorld({}, options.embedded)
  let servers: MortalServer[] = []
  try {
    servers = await startServers(world, options.embedded ? 1 : 2)
    const projectIds = await world.projects(2 * LANES)
    const trials: Trial[] = []
    let left = options.trials
    await Promise.all(
      Array.from({ length: Math.min(LANES, options.trials) }, async (_, index) => {
        const [projectId = '', commonsId = ''] = projectIds.slice(2 * index)
        const [member] = await world.members(1, [commonsId])
        if (!member) throw new Error('there is no member')
        const { id: taskId } = await world.call('POST', '/tasks', { title: 'A task', projectId })
        const lane: Lane = { world, servers, random, member, projectId, commonsId, taskId }
        while (left-- > 0) {
          trials.push(await runTrial(lane))
          if (trials.length % 50 === 0) options.progress?.(`${trials.length} trials`)
        }
      }),
    )
    for (const server of servers.toReversed()) await server.stop()
    return judge(trials, await readWholeLog(world))
  } finally {
    for (const server of servers.toReversed()) await server.stop()
    await world.close()
  }
}

function judge(trials: readonly Trial[], log: readonly LoggedEvent[]): { differences: string[]; summary: string } {
  const differences: string[] = []
  const all = { told: 0, withheld: 0, streams: 0 }
  for (const [index, trial] of trials.entries()) {
    for (const stream of trial.streams) {
      const { problems, told, withheld } = judgeStream(trial, stream, log)
      all.told += told
      all.withheld += withheld
      all.streams++
      differences.push(...problems.map((problem) => `trial ${index}, ${stream.name}: ${problem}`))
    }
  }
  const summary = `${trials.length} removals, ${all.streams} streams, told ${all.told} events before them; ${all.withheld} that came before the removal in the log were known together with it and withheld`
  return { differences, summary }
}

/**
 * Nothing behind the removal, nothing newer than it; and what is before it without a hole. The last events before it may be missing: what is
 * found together with a removal may have been committed after it.
 */
function judgeStream({ lane, start, firstLater }: Trial, { told, ending, atEnd }: Stream, log: readonly LoggedEvent[]) {
  const first = Number(decodeCursor(start))
  const later = log.slice(first)
  const removal = later.find(
    ({ type, projectId, subjectId }) =>
      type === 'member.removed' && projectId === lane.projectId && subjectId === lane.member.id,
  )
  const end = Number(removal?.position)
  const before = log
    .slice(first, end - 1)
    .filter(({ projectId, type }) => projectId === lane.projectId && type.startsWith('task.'))
  const ofTask = told.filter(({ taskId }) => taskId === lane.taskId)
  const problems: string[] = []
  const tooLate = ofTask.filter(({ position }) => position > end).length
  if (tooLate > 0) problems.push(`${tooLate} events behind the removal`)
  const tooNew = ofTask.filter(({ taskVersion = 0 }) => taskVersion >= firstLater).length
  if (tooNew > 0) problems.push(`${tooNew} events with the task as it was after the removal`)
  const inOrder = ofTask.every(({ position }, index) => position === Number(before[index]?.position))
  if (!inOrder) problems.push('what came before the removal has a hole, or is not in order')
  if (ending !== undefined) problems.push(`it was ended with ${ending}`)
  if (atEnd === false) problems.push('what came in another project did not arrive')
  return { problems, told: ofTask.length, withheld: before.length - ofTask.length }
}
