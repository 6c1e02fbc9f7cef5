import { setTimeout as wait } from 'node:timers/promises'
import { type MailServer, mailServer } from '../../support/mail-server.ts'
import { readNotifications, type Told } from '../../support/notifications.ts'
import { type PushServer, pushServer } from '../../support/push-server.ts'
import { createRandom, type Random } from '../../support/random.ts'
import { until } from '../../support/wait.ts'
import { type Member, openWorld, type World } from '../../support/world.ts'
import { type RestartableServer, startServers } from '../soak/servers.ts'
import { Ledger, startWriter } from './writers.ts'

export interface KillOptions {
  /** In all, of one server after the other, and at times of both. */
  kills: number
  seed: number
  embedded: boolean
  /** Called with the progress. */
  progress?(line: string): void
}

export interface KillReport {
  /** Every difference as a sentence. */
  differences: string[]
  /** What happened, in numbers. */
  summary: string
}

const MEMBERS = 4
const WRITERS = 3

/** Share of pushes that fail for now, and how long an answer takes at most. */
const FAILING = 0.1
const MAX_ANSWER_MS = 60

/** Writes between two kills, at least. */
const PER_KILL = 10
const MAX_DOWN_MS = 300
const SETTLE_MS = 180_000

/** Writes what notifies people while the servers are killed, then compares it with what they got. */
export async function killDuringWork(options: KillOptions): Promise<KillReport> {
  const random = createRandom(options.seed)
  const [mail, push] = await Promise.all([mailServer(), pushServer()])
  push.answer = async () => {
    await wait(random.below(MAX_ANSWER_MS))
    return random.chance(FAILING) ? 503 : 200
  }
  const world = await openWorld(
    {
      SMTP_URL: mail.url,
      MAIL_FROM: 'noreply@example.org',
      OUTBOUND_ALLOW: '127.0.0.1',
      DELIVERY_RETRY: '200',
      DATABASE_POOL_SIZE: '4',
      LOG_LEVEL: 'info',
    },
    options.embedded,
  )
  let servers: RestartableServer[] = []
  try {
    servers = await startServers(world, options.embedded ? 1 : 2)
    return await run(options, { world, servers, random, mail, push })
  } finally {
    for (const server of servers.toReversed()) await server.stop()
    await world.close()
    await Promise.all([mail.close(), push.close()])
  }
}

interface Scene {
  world: World
  servers: readonly RestartableServer[]
  random: Random
  mail: MailServer
  push: PushServer
}

async function run({ kills, progress }: KillOptions, scene: Scene): Promise<KillReport> {
  const { world, servers, random, mail, push } = scene
  const [projectId = ''] = await world.projects(1)
  const members = await world.members(MEMBERS, [projectId])
  for (const { id, token } of members) {
    await world.call('PATCH', '/notifications/preferences', { pushUrl: `${push.url}/${id}` }, token)
  }

  const ledger = new Ledger()
  const writers = Array.from({ length: WRITERS }, (_, index) =>
    startWriter({ servers, owner: world.owner, members, projectId, random, ledger, name: `w${index}` }),
  )
  for (let kill = 1; kill <= kills; kill++) {
    const goal = ledger.writes + PER_KILL
    await until('the writers have written', () => ledger.writes >= goal)
    // Right in the middle of the work that they have caused.
    await wait(random.below(100))
    const victims = random.chance(0.2) ? servers : [random.pick(servers)]
    await Promise.all(victims.map((server) => server.kill(random.below(MAX_DOWN_MS))))
    progress?.(`kill ${kill}: ${ledger.writes} writes, ${mail.mails.length} mails, ${push.pushed.length} pushes`)
  }
  await Promise.all(writers.map((stop) => stop()))

  const url = servers[0]?.url ?? ''
  const read = () =>
    Promise.all(
      members.map(async (member) => ({
        member,
        told: await readNotifications({ url, ...member }, '&include=comment'),
      })),
    )
  const complete = async () => {
    const all = await read()
    return all.every(
      ({ member, told }) =>
        ledger.missing(member, told).length === 0 && told.every(({ id }) => arrived(id, mail, push)),
    )
  }
  // What is missing in the end is reported below.
  await until('everything has arrived', complete, SETTLE_MS).catch(() => undefined)
  return judge(await read(), ledger, mail, push)
}

const idOf = (messageId: string) => messageId.replace(/@.*$/, '')

const arrived = (id: string, mail: MailServer, push: PushServer) =>
  mail.mails.some((one) => idOf(one.id) === id) && push.pushed.some((one) => one.id === id)

function judge(
  all: readonly { member: Member; told: Told[] }[],
  ledger: Ledger,
  mail: MailServer,
  push: PushServer,
): KillReport {
  const differences: string[] = []
  let total = 0
  for (const { member, told } of all) {
    total += told.length
    differences.push(...ledger.missing(member, told), ...ledger.unexpected(member, told))
    const mails = mail.mails.filter(({ to }) => to === member.email).map(({ id }) => idOf(id))
    const pushes = push.pushed.filter(({ path }) => path === `/${member.id}`).map(({ id }) => id)
    const ids = new Set(told.map(({ id }) => id))
    for (const id of ids) {
      if (!mails.includes(id)) differences.push(`no e-mail of ${id}`)
      if (!pushes.includes(id)) differences.push(`no push of ${id}`)
    }
    for (const id of new Set([...mails, ...pushes]))
      if (!ids.has(id)) differences.push(`sent ${id}, which is not there`)
  }
  const summary =
    `${ledger.writes} writes made ${total} notifications, sent as ${mail.mails.length} e-mails ` +
    `(${new Set(mail.mails.map(({ id }) => id)).size} different) and ${push.pushed.length} pushes ` +
    `(${new Set(push.pushed.map(({ id }) => id)).size} different)`
  if (total === 0) differences.push('nobody was notified of anything')
  return { differences, summary }
}
