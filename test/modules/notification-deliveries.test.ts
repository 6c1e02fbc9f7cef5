import { afterAll, beforeAll, expect, test } from 'vitest'
import { rest } from '../support/clients.ts'
import { type Cast, newCast, newTask } from '../support/factories.ts'
import { type MailServer, mailServer } from '../support/mail-server.ts'
import { readNotifications, told } from '../support/notifications.ts'
import { addTo, type Person, signUpAt } from '../support/people.ts'
import { type PushServer, pushServer } from '../support/push-server.ts'
import { type OwnServer, ownServer } from '../support/server.ts'
import { until } from '../support/wait.ts'

let mail: MailServer
let push: PushServer
let server: OwnServer
let cast: Cast

beforeAll(async () => {
  ;[mail, push] = await Promise.all([mailServer(), pushServer()])
  server = await ownServer({
    RATE_LIMIT: 'off',
    SMTP_URL: mail.url,
    MAIL_FROM: 'Taskwire <noreply@tasks.example.org>',
    OUTBOUND_ALLOW: '127.0.0.1',
    DELIVERY_RETRY: '20',
  })
  cast = await newCast(server)
})
afterAll(async () => {
  await server?.close()
  await Promise.all([mail.close(), push.close()])
})

/** Adds a member to the project, with a push URL unless there is none. */
async function newMember(pushUrl?: string): Promise<Person> {
  const person = await signUpAt(server, 'Zoë')
  await addTo(cast.people.ADMIN, cast.projectId, person.email, 'EDITOR')
  if (pushUrl) await prefer(person, { pushUrl })
  return person
}

const prefer = ({ token }: Person, body: object) => rest(server, 'PATCH /notifications/preferences', { token, body })

const assign = (person: Person, title = 'A task') =>
  newTask(cast.people.OWNER, { projectId: cast.projectId, title, assigneeIds: [person.id] })

const mailsTo = ({ email }: Person) => mail.mails.filter(({ to }) => to === email)
const pushesTo = (path: string) => push.pushed.filter((one) => one.path === path)

const deliveriesOf = ({ id }: Person) =>
  server.db.delivery.findMany({ where: { notification: { recipientId: id } }, orderBy: { channel: 'asc' } })

test('a notification is sent by e-mail and push, with its id', async () => {
  const person = await newMember(`${push.url}/zoe`)
  const { key } = await assign(person, 'Größe prüfen')
  const [{ id } = { id: '' }] = await told(person, ({ kind }) => kind === 'ASSIGNED')
  await until('both are sent', () => mailsTo(person).length > 0 && pushesTo('/zoe').length > 0)
  expect(mailsTo(person)).toMatchObject([{ id: `${id}@tasks.example.org` }])
  expect(mailsTo(person)[0]?.text).toContain('OWNER assigned a task to you.')
  expect(pushesTo('/zoe')).toMatchObject([{ id, text: expect.stringContaining(`Task: ${key}: Größe prüfen`) }])
  const title = /^=\?UTF-8\?B\?(.+)\?=$/.exec(pushesTo('/zoe')[0]?.title ?? '')?.[1] ?? ''
  expect(Buffer.from(title, 'base64').toString()).toBe(`Assigned to you: ${key}: Größe prüfen`)
  await until('both are stored as sent', async () =>
    (await deliveriesOf(person)).every(({ sentAt }) => sentAt !== null),
  )
})

test('what fails is sent again, with the same id, until it arrives', async () => {
  const person = await newMember(`${push.url}/again`)
  const failures = { mail: 0, push: [] as string[] }
  mail.refuse = (to) => (to === person.email && ++failures.mail < 3 ? 451 : undefined)
  push.answer = ({ path, id }) => (path === '/again' && failures.push.push(id) < 3 ? 503 : 200)
  await assign(person)
  await until('both are sent', () => mailsTo(person).length > 0 && pushesTo('/again').length > 0)
  expect(new Set(failures.push).size).toBe(1)
  await until('the attempts are stored', async () => {
    const [byMail, byPush] = await deliveriesOf(person)
    return byMail?.attempts === 3 && byPush?.attempts === 3 && byPush.sentAt !== null
  })
  expect([mailsTo(person).length, pushesTo('/again').length]).toEqual([1, 1])
})

test('what can never arrive is given up, and the answer to the writer does not wait for it', async () => {
  const person = await newMember(`${push.url}/moved`)
  mail.refuse = (to) => (to === person.email ? 550 : undefined)
  push.answer = ({ path }) => (path === '/moved' ? 302 : 200)
  await assign(person)
  await until(
    'both are given up',
    async () => (await deliveriesOf(person)).filter(({ failedAt }) => failedAt).length === 2,
  )
  expect(await deliveriesOf(person)).toMatchObject([
    { channel: 'EMAIL', attempts: 1, sentAt: null },
    { channel: 'PUSH', attempts: 1, sentAt: null, lastError: 'the push URL answered 302' },
  ])
  expect(push.pushed.filter(({ path }) => path === '/elsewhere')).toEqual([])
  expect((await readNotifications(person)).length).toBe(1)
})

test('nothing is sent that the user has turned off, nor to somebody who was removed meanwhile', async () => {
  const person = await newMember(`${push.url}/off`)
  await prefer(person, { kinds: [{ kind: 'ASSIGNED', push: false, inProduct: false }] })
  const attempts: string[] = []
  mail.refuse = (to) => (to === person.email && attempts.push(to) > 0 ? 451 : undefined)
  await assign(person)
  await until('it was tried', () => attempts.length > 1)
  const { token } = cast.people.OWNER
  await rest(server, `DELETE /projects/${cast.projectId}/members/${person.id}`, { token })
  await until('it is given up', async () => (await deliveriesOf(person)).some(({ failedAt }) => failedAt !== null))
  expect(await deliveriesOf(person)).toMatchObject([
    { channel: 'EMAIL', lastError: 'the recipient can no longer see it' },
  ])
  expect(await readNotifications(person)).toEqual([])
  expect(mailsTo(person)).toEqual([])
})

test('a private push URL is not contacted unless the operator allows it', async () => {
  const person = await newMember(`${push.url.replace('127.0.0.1', 'localhost')}/private`)
  await server.db.notificationSettings.update({
    where: { userId: person.id },
    data: { pushUrl: `${push.url.replace('127.0.0.1', '127.0.0.2')}/private` },
  })
  await assign(person)
  await until('it is given up', async () => (await deliveriesOf(person)).some(({ failedAt }) => failedAt !== null))
  expect((await deliveriesOf(person))[1]?.lastError).toContain('OUTBOUND_ALLOW')
  expect(pushesTo('/private')).toEqual([])
})
