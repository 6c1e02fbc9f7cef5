import { setTimeout as wait } from 'node:timers/promises'
import type { Member } from '../../support/world.ts'
import type { WorkerOptions } from './workers.ts'

const PAUSE_MS = 60
/** Longer than a removal may take to reach other servers. */
const STAY_MS = 2_500

/** Adds a member to a project and removes them again, while they read it through every server. */
export async function runMember(member: Member, options: WorkerOptions): Promise<void> {
  const { servers, send, owner, random, stage, history, stopped } = options
  let projectId = stage.project(random)

  async function read(): Promise<void> {
    while (!stopped()) {
      const asked = projectId
      const sent = { method: 'GET', path: `/tasks?projectId=${asked}&limit=5`, token: member.token }
      const { status, start, end } = await send(random.pick(servers), sent)
      if (status === 200) history.accesses.push({ memberId: member.id, projectId: asked, start, end })
      await wait(PAUSE_MS)
    }
  }

  async function change(kind: 'add' | 'remove'): Promise<void> {
    const { start, end, status } = await send(random.pick(servers), {
      ...(kind === 'add'
        ? { method: 'POST', path: `/projects/${projectId}/members`, body: { email: member.email, role: 'VIEWER' } }
        : { method: 'DELETE', path: `/projects/${projectId}/members/${member.id}` }),
      token: owner,
    })
    const isDone = status >= 200 && status < 300
    if (!isDone && end < Number.POSITIVE_INFINITY) return
    history.memberships.push({ kind, memberId: member.id, projectId, start, end })
  }

  const reading = read()
  while (!stopped()) {
    await change('add')
    await wait(random.below(STAY_MS))
    await change('remove')
    await wait(STAY_MS)
    projectId = stage.project(random)
  }
  await reading
}
