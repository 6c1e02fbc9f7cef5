import { rest } from '../../support/clients.ts'
import type { Told } from '../../support/notifications.ts'
import type { Random } from '../../support/random.ts'
import type { Member } from '../../support/world.ts'
import type { RestartableServer } from '../soak/servers.ts'

/** What was written: who has to be told of it, and who may have been, if no answer came. */
export class Ledger {
  writes = 0
  readonly #must = new Map<string, Set<string>>()
  readonly #may = new Map<string, Set<string>>()

  /** Notes what a write notifies of: it `must` if it was answered. */
  note(recipientId: string, what: string, must: boolean): void {
    const notes = must ? this.#must : this.#may
    const own = notes.get(recipientId) ?? new Set()
    notes.set(recipientId, own.add(what))
  }

  missing({ id }: Member, told: readonly Told[]): string[] {
    const found = new Set(told.map(nameOf))
    return [...(this.#must.get(id) ?? [])].filter((what) => !found.has(what)).map((what) => `missing: ${what}`)
  }

  /** Returns what is there twice, or without a cause. */
  unexpected({ id }: Member, told: readonly Told[]): string[] {
    const counts = new Map<string, number>()
    for (const one of told) counts.set(nameOf(one), (counts.get(nameOf(one)) ?? 0) + 1)
    return [...counts].flatMap(([what, count]) => {
      const known = this.#must.get(id)?.has(what) || this.#may.get(id)?.has(what)
      return [...(count > 1 ? [`${count} times: ${what}`] : []), ...(known ? [] : [`without a cause: ${what}`])]
    })
  }
}

/** Names a notification by the text that its write made unique. */
function nameOf(told: Told): string {
  const { kind, message, task, comment } = told as Told & { task?: { title: string }; comment?: { body: string } }
  return `${kind} ${message ?? comment?.body ?? task?.title}`
}

export interface WriterSetup {
  servers: readonly RestartableServer[]
  owner: Member
  members: readonly Member[]
  projectId: string
  random: Random
  ledger: Ledger
  name: string
}

/** Starts a writer that makes one task after another. Returns a function that stops it. */
export function startWriter(setup: WriterSetup): () => Promise<void> {
  let stopped = false
  const running = (async () => {
    for (let count = 1; !stopped; count++) await write(setup, `${setup.name} ${count}`)
  })()
  return () => {
    stopped = true
    return running
  }
}

/** Makes a task, and changes it and comments on it if it was made. Its title is `mark`. */
async function write({ servers, owner, members, projectId, random, ledger }: WriterSetup, mark: string): Promise<void> {
  const [one, other] = [random.pick(members), random.pick(members)]
  const isDue = random.chance(0.5)
  const dueAt = isDue ? new Date(Date.now() + 3_600_000).toISOString() : null

  /** Sends a write, and notes what it notifies of. Returns the answer, or undefined if none came. */
  async function send(call: string, body: object, told: readonly [Member, string][]) {
    for (const [{ id }, what] of told) ledger.note(id, what, false)
    const server = random.pick(servers)
    const answer = await rest(server, call, { token: owner.token, body }).catch(() => undefined)
    // A server that is being killed, or has just started, may not answer.
    if (!answer || answer.status >= 500) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      return undefined
    }
    if (answer.status >= 300) throw new Error(`${call} answered ${answer.status} ${answer.text}`)
    for (const [{ id }, what] of told) ledger.note(id, what, true)
    ledger.writes++
    return answer.body
  }

  const made = await send('POST /tasks', { projectId, title: mark, dueAt, assigneeIds: [one.id] }, [
    [one, `ASSIGNED ${mark}`],
    ...(isDue ? [[one, `DUE_SOON ${mark}`] as [Member, string]] : []),
  ])
  if (!made) return
  await send(`PATCH /tasks/${made.id}?notify=true`, { priority: 5 }, [[one, `UPDATED ${mark}`]])
  const body = `@${other.email} look at ${mark}`
  await send(`POST /tasks/${made.id}/comments`, { body }, [
    [other, `MENTIONED ${body}`],
    ...(one === other ? [] : [[one, `COMMENTED ${body}`] as [Member, string]]),
  ])
  await send(`POST /users/${other.id}/notify`, { message: `Notice ${mark}` }, [[other, `ADMIN_NOTICE Notice ${mark}`]])
}
