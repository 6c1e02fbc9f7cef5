import { createRandom } from '../../support/random.ts'
import type { World } from '../../support/world.ts'
import { drawDocument, type Hostile } from './documents.ts'
import { type Answer, DOORS } from './doors.ts'

/** CPU time that a document may take on an idle machine, in milliseconds. */
const MAX_CPU_MS = 50
/** A document over the limit is sent again: garbage collections and compilation count, too. */
const ATTEMPTS = 4
/** Largest error in bytes, and largest answer. */
const MAX_ERROR = 100_000
const MAX_ANSWER = 5_000_000

interface Measured {
  door: string
  document: Hostile
  answer: Answer
  cpuMs: number
  delayMs: number
}

export interface Findings {
  problems: string[]
  summary: string[]
}

/** Fills a project whose tasks are all related to each other and have long descriptions. */
export async function fillWorld({ call, owner }: World, tasks: number): Promise<void> {
  const project = await call('POST', '/projects', { key: 'WEB', name: 'Related' })
  const labels = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      call('POST', `/projects/${project.id}/labels`, { name: `Label ${index}`, color: '#000000' }),
    ),
  )
  const ids = labels.map(({ id }: { id: string }) => id)
  const items = Array.from({ length: tasks }, (_, index) => ({
    projectId: project.id,
    title: `Task ${index}`,
    description: '\u00e4'.repeat(2_000),
    labelIds: ids,
    assigneeIds: [owner.id],
  }))
  const { outcomes } = await call('POST', '/tasks/bulk', { items })
  const made: string[] = outcomes.map(({ task }: { task: { id: string } }) => task.id)
  const pairs = made.flatMap((one, index) => made.slice(index + 1).map((other) => [one, other] as const))
  const workers = Array.from({ length: 8 }, async () => {
    for (let pair = pairs.pop(); pair; pair = pairs.pop()) {
      await call('POST', `/tasks/${pair[0]}/relations`, { type: 'RELATES_TO', relatedTaskId: pair[1] })
    }
  })
  await Promise.all(workers)
}

/** Sends drawn documents through each door, one after another, and measures the server. */
export async function sendHostile(
  world: World,
  { documents, seed, maxCpuMs = MAX_CPU_MS }: { documents: number; seed: number; maxCpuMs?: number },
): Promise<Findings> {
  const { server, owner } = world
  const random = createRandom(seed)
  const target = { url: server.url, token: owner.token, random }
  const results: Measured[] = []
  const problems: string[] = []
  for (let index = 0; index < documents; index++) {
    const document = drawDocument(random)
    for (const door of Object.keys(DOORS)) {
      const measured = await measure(door, document)
      if (!measured) continue
      results.push(measured)
      problems.push(...problemsOf(measured, maxCpuMs))
    }
  }
  return { problems, summary: summarize(results) }

  async function measure(door: string, document: Hostile): Promise<Measured | undefined> {
    let best: Measured | undefined
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const before = await server.load()
      const answer = await DOORS[door]?.(target, document)
      if (!answer) return undefined
      const after = await server.load()
      const cpuMs = after.cpuMs - before.cpuMs
      if (!best || cpuMs < best.cpuMs) best = { door, document, answer, cpuMs, delayMs: after.delayMs }
      if (best.cpuMs < maxCpuMs) break
    }
    return best
  }
}

function problemsOf({ door, document, answer, cpuMs }: Measured, maxCpuMs: number): string[] {
  const { status, code, bytes } = answer
  const found: string[] = []
  if (code === 'INTERNAL' || (status >= 500 && status < 600) || status === 4500)
    found.push(`answered ${status} ${code}`)
  if (cpuMs >= maxCpuMs) found.push(`took ${cpuMs.toFixed(1)} ms of CPU`)
  if (bytes > (code ? MAX_ERROR : MAX_ANSWER)) found.push(`answered ${bytes} bytes${code ? ` for ${code}` : ''}`)
  const text = `${document.query.slice(0, 200)} ${JSON.stringify(document.variables ?? {}).slice(0, 80)}`
  return found.map((problem) => `${door}, ${document.kind}: ${problem}: ${text}`)
}

function summarize(results: readonly Measured[]): string[] {
  const groups = Map.groupBy(results, ({ door, document }) => `${door.padEnd(10)} ${document.kind}`)
  return [...groups].sort().map(([name, group]) => {
    const cpu = group.map(({ cpuMs }) => cpuMs).sort((a, b) => a - b)
    const [median = 0, most = 0] = [cpu[Math.floor(cpu.length / 2)], cpu.at(-1)]
    const delay = Math.max(...group.map(({ delayMs }) => delayMs))
    const bytes = Math.max(...group.map(({ answer }) => answer.bytes))
    return `${name.padEnd(42)} ${String(group.length).padStart(4)} sent, CPU ${median.toFixed(1)} ms, at most ${most.toFixed(1)} ms; event loop at most ${delay.toFixed(0)} ms late; ${bytes} bytes`
  })
}
