import { decodeCursor, type LoggedEvent } from '../../../src/events/log.ts'
import { createRandom } from '../../support/random.ts'
import { openWorld } from '../../support/world.ts'
import { readWholeLog } from '../soak/log.ts'
import { type RestartableServer, startServers } from '../soak/servers.ts'
import { type Lane, runTrial, type Stream, type Trial } from './trial.ts'

export interface RemovalsOptions {
  trials: number
  seed: number
  embedded: boolean
  /** Called with the number of finished trials. */
  progress?(line: string): void
}

/** Number of trials that run in parallel. */
const LANES = 4

/**
 * Removes members while they follow and compares what they received with the log.
 * Returns the differences as sentences, and a summary.
 */
export async function removals(options: RemovalsOptions): Promise<{ differences: string[]; summary: string }> {
  const random = createRandom(options.seed)
  const world = await openWorld({}, options.embedded)
  let servers: RestartableServer[] = []
  try {
    servers = await startServers(world, options.embedded ? 1 : 2)
    const projectIds = await world.projects(2 * LANES)
    const trials: Trial[] = []
    let left = options.trials
    await Promise.all(
      Array.from({ length: Math.min(LANES, options.trials) }, async (_, index) => {
        const [projectId = '', commonsId = ''] = projectIds.slice(2 * index)
        const [member] = await world.members(1, [commonsId])
        if (!member) throw new Error('no member was created')
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
  const all = { received: 0, withheld: 0, streams: 0 }
  for (const [index, trial] of trials.entries()) {
    for (const stream of trial.streams) {
      const { problems, received, withheld } = judgeStream(trial, stream, log)
      all.received += received
      all.withheld += withheld
      all.streams++
      differences.push(...problems.map((problem) => `trial ${index}, ${stream.name}: ${problem}`))
    }
  }
  const summary = `${trials.length} removals, ${all.streams} streams: ${all.received} events received before a removal, ${all.withheld} withheld because they were found together with it`
  return { differences, summary }
}

/**
 * A stream must contain no event after the removal, no task state newer than it, and no gap before
 * it. The last events before the removal may be missing: those found together with it may have
 * been committed after it.
 */
function judgeStream(
  { lane, start, firstLater }: Trial,
  { received, ending, reachedEnd }: Stream,
  log: readonly LoggedEvent[],
) {
  const first = Number(decodeCursor(start).position)
  const later = log.slice(first)
  const removal = later.find(
    ({ type, projectId, subjectId }) =>
      type === 'member.removed' && projectId === lane.projectId && subjectId === lane.member.id,
  )
  const end = Number(removal?.position)
  const before = log
    .slice(first, end - 1)
    .filter(({ projectId, type }) => projectId === lane.projectId && type.startsWith('task.'))
  const ofTask = received.filter(({ taskId }) => taskId === lane.taskId)
  const problems: string[] = []
  const tooLate = ofTask.filter(({ position }) => position > end).length
  if (tooLate > 0) problems.push(`${tooLate} events after the removal`)
  const tooNew = ofTask.filter(({ taskVersion = 0 }) => taskVersion >= firstLater).length
  if (tooNew > 0) problems.push(`${tooNew} events with a task state from after the removal`)
  const inOrder = ofTask.every(({ position }, index) => position === Number(before[index]?.position))
  if (!inOrder) problems.push('the events before the removal have a gap or are out of order')
  if (ending !== undefined) problems.push(`the server ended it with ${ending}`)
  if (reachedEnd === false) problems.push('the last event, in another project, did not arrive')
  return { problems, received: ofTask.length, withheld: before.length - ofTask.length }
}
