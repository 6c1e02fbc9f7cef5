import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { rest } from '../support/clients.ts'
import { type OwnServer, ownServer } from '../support/server.ts'
import { until } from '../support/wait.ts'

/** Runs every curl command of the pages in docs/ against a server that has what they name. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const DOCS = join(ROOT, 'docs')
/** A page with a test of its own, and one about other people's servers. */
const ELSEWHERE = new Set(['clients.md', 'gateway.md'])

interface Command {
  page: string
  command: string
  /** Output that the page shows, or an empty string. */
  printed: string
}

/** Returns the commands of a page, and what stands below each. */
function commandsOf(page: string, text: string): Command[] {
  const found: Command[] = []
  for (const [, language, block = ''] of text.matchAll(/^```(sh|console)\n([\s\S]*?)^```$/gm)) {
    const lines = block.replaceAll(/\\\n\s*/g, ' ').split('\n')
    for (const line of lines) {
      const command = language === 'sh' ? /^curl .*/.exec(line)?.[0] : /^\$ (.*)/.exec(line)?.[1]
      if (command !== undefined) found.push({ page, command: command.replace(/ {2,}# .*$/, ''), printed: '' })
      else if (language === 'console') found.at(-1)!.printed += line
    }
  }
  return found.filter(({ command }) => command.startsWith('curl '))
}

const pages = (await readdir(DOCS)).filter((name) => name.endsWith('.md') && !ELSEWHERE.has(name)).sort()
const all: Command[] = []
for (const page of pages) all.push(...commandsOf(page, await readFile(join(DOCS, page), 'utf8')))
const readme = await readFile(join(ROOT, 'README.md'), 'utf8')
// test/browser/demo.test.ts runs those with an output.
all.push(...commandsOf('../README.md', readme).filter(({ printed }) => printed === ''))
/** Picks the commands that leave nothing for others. */
const isLast = ({ command }: Command) => /-X DELETE/.test(command)
const commands = [...all.filter((one) => !isLast(one)), ...all.filter(isLast)]

const PASSWORD = 'demo-password'
const TASKS = 50

let server: OwnServer
/** Variables that the commands read. */
let environment: Record<string, string>
let ids: { notification: string; user: string; attachment: string; ownTask: string }
/** Deletes their own account. */
let leaving: string

beforeAll(async () => {
  server = await ownServer({ RATE_LIMIT: 'off' })
  const register = async (email: string, name: string, password = PASSWORD) =>
    (await rest(server, 'POST /auth/register', { body: { email, name, password } })).body
  const { accessToken: token, user } = await register('ada@example.com', 'Ada Park')
  const ok = async (call: string, body?: object, caller = token) => {
    const answer = await rest(server, call, { token: caller, body })
    expect(answer.status, `${call}: ${answer.text}`).toBeLessThan(300)
    return answer.body
  }
  const ben = await register('ben@example.com', 'Ben Ode')
  leaving = (await register('leaving@example.com', 'Somebody', 'correct horse battery')).accessToken
  const { key: ownTask } = await ok('POST /tasks', { title: 'Of my own' })
  const { id: projectId } = await ok('POST /projects', { key: 'WEB', name: 'Website' })
  await ok(`POST /projects/${projectId}/members`, { email: 'ben@example.com', role: 'OWNER' })
  const status = (index: number) => (index === 3 || index === 5 ? 'IN_PROGRESS' : 'PENDING')
  const items = Array.from({ length: TASKS }, (_, index) => ({
    projectId,
    title: `Task ${index + 1}`,
    status: status(index + 1),
  }))
  await ok('POST /tasks/bulk', { items })
  await ok('PATCH /tasks/WEB-42', { status: 'COMPLETED' })
  await ok('PATCH /tasks/WEB-42', { assigneeIds: [user.id] }, ben.accessToken)
  await ok(`PUT /projects/${projectId}/members/${ben.user.id}`, { role: 'VIEWER' })
  const file = new File(['%PDF-1.4'], 'first.pdf')
  const attachment = await ok('POST /tasks/WEB-42/attachments', file)
  const key = await ok('POST /api-keys', { name: 'For the pages', scopes: ['admin', 'tasks:write'] })
  let notification = ''
  await until('Ada is notified', async () => {
    notification = (await ok('GET /notifications?unread=true')).nodes[0]?.id ?? ''
    return notification !== ''
  })
  environment = { TOKEN: token, KEY: key.secret, PROJECT: projectId }
  ids = { notification, user: ben.user.id, attachment: attachment.id, ownTask }
})
afterAll(() => server?.close())

/** Makes a folder with the files that the commands send. */
async function folderForTest({ sends }: { sends: boolean }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'taskwire-docs-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  if (!sends) return folder
  await writeFile(join(folder, 'plan.pdf'), '%PDF-1.4 not really')
  await writeFile(join(folder, 'tasks.csv'), 'Name,Due,priority\nOne,2026-12-01T10:00:00Z,1\nTwo,,9\nThree,,2\n')
  return folder
}

/** Puts real ids in the places of those that the pages abbreviate. */
const withIds = (command: string) =>
  command
    .replace(/(attachments\/)[\da-f]+-…/, `$1${ids.attachment}`)
    .replace('ADA-1', ids.ownTask)
    .replace(/(users\/)[\da-f]+-…/, `$1${ids.user}`)
    .replace(/("ids": \[")[\da-f]+-…/, `$1${ids.notification}`)

test.each(commands.map((one, index) => ({ ...one, index })))('docs/$page: $command', async ({ command, printed }) => {
  const isStream = / -N /.test(command)
  // A file that is there would be continued, or keep curl from writing.
  const isDownload = / -(OJ|o) /.test(command)
  const isOwnEnd = command.includes('/api/v1/me') && isLast({ command, page: '', printed })
  const run = withIds(command).replaceAll('localhost:4000', new URL(server.url).host)
  const { stdout } = await promisify(execFile)(
    'bash',
    ['-c', `${run} -sS -w '\\n%{http_code}' --max-time ${isStream ? 1 : 60} || [ $? = ${isStream ? 28 : 0} ]`],
    {
      cwd: await folderForTest({ sends: !isDownload }),
      env: { PATH: process.env.PATH, ...environment, ...(isOwnEnd && { TOKEN: leaving }) },
    },
  )
  const status = Number(stdout.trim().split('\n').at(-1))
  const expected = /"status":(\d{3})/.exec(printed)?.[1]
  if (expected) expect(status, stdout).toBe(Number(expected))
  else expect(status, stdout).toBeLessThan(300)
  for (const [, name] of printed.matchAll(/"(\w+)":/g)) expect(stdout).toContain(`"${name}":`)
  for (const [, word] of printed.matchAll(/"code":"(\w+)"/g)) expect(stdout).toContain(`"${word}"`)
})

test('the commands for operators in the README work in a clone, while the server runs', async () => {
  const folder = await folderForTest({ sends: false })
  const { DATABASE_URL = '', DATA_DIR, JWT_SECRET } = server.config
  const own = { ...(DATABASE_URL && { DATABASE_URL }), DATA_DIR, JWT_SECRET: JWT_SECRET?.join() ?? '', PORT: '0' }
  const taskwire = async (command: string, settings: Record<string, string> = own) => {
    expect(readme).toContain(`npm run taskwire ${command.split(' ')[0]}`)
    const { DATABASE_URL: _, ...environment } = process.env
    const args = ['run', '--silent', 'taskwire', ...command.split(' ')]
    return (await promisify(execFile)('npm', args, { cwd: ROOT, env: { ...environment, ...settings } })).stdout
  }
  const file = join(folder, 'tasks.backup')
  expect(await taskwire(`backup ${file}`)).toMatch(/^Task +\d+ rows/m)
  expect(await taskwire(`restore ${file}`, { DATA_DIR: join(folder, 'data'), PORT: '0' })).toMatch(
    /^Restored \d+ rows/m,
  )
  expect(await taskwire('doctor')).toContain('DATA_DIR')
})

test('the pages have commands', () => {
  expect(commands.length).toBeGreaterThan(20)
})
