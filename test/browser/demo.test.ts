import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findChromium, openBrowser, picture } from '../support/browser.ts'
import { until } from '../support/wait.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const chromium = await findChromium()
const children: ChildProcess[] = []

/** Starts the demo. Returns what it prints, once it has printed everything or has ended. */
async function demo(port: string): Promise<string> {
  const { DATABASE_URL: _, ...environment } = process.env
  const env = { ...environment, PORT: port, RATE_LIMIT: 'off' }
  const child = spawn(process.execPath, ['tools/demo.ts'], { cwd: ROOT, env })
  children.push(child)
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      text += String(chunk)
    })
  const ended = once(child, 'close')
  let over = false
  void ended.then(() => {
    over = true
  })
  await until('the demo has printed its screen', () => over || /curl .*\/graphql[\s\S]*\n\n$/.test(text))
  return text
}

let screen: string
let url: string

beforeAll(async () => {
  screen = await demo('0')
  url = /Board +(\S+)\/board/.exec(screen)?.[1] ?? ''
})
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
})

test('the demo prints one screen of 100 columns, the board first, with commands that run as printed', async () => {
  const lines = screen.trim().split('\n')
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100)
  expect(lines.length).toBeLessThanOrEqual(24)
  expect(screen.match(/https?:\/\/\S+/)?.[0]).toBe(`${url}/board#WEB`)
  const commands = screen.replaceAll('\\\n', ' ').match(/^ {2}(export|curl) .*$/gm) ?? []
  const [token, stream, ...calls] = commands
  expect([token, stream, calls.length]).toEqual([expect.stringContaining('TOKEN='), expect.stringContaining('-N'), 2])
  const follow = `${stream} -s --max-time 4 & sleep 1`
  const script = [token, follow, ...calls.map((call) => `${call} -s; echo`), 'wait'].join('\n')
  const { stdout } = await promisify(execFile)('bash', ['-c', script])
  expect(stdout).toContain('"title":"Try Taskwire"')
  expect(stdout).toContain('{"data":{"task":{"title":"Try Taskwire","status":"PENDING"}}}')
  expect(stdout).toContain('event: task.created')
})

test('the console examples of the README print what it shows', async () => {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8')
  const examples = [...readme.matchAll(/```console\n\$ ((?:.*\\\n)*.*)\n([\s\S]*?)```/g)]
  expect(examples.length).toBe(3)
  const token = /export TOKEN=\S+/.exec(screen)?.[0]
  const run = async (command: string) => {
    const local = command.replaceAll('localhost:4000', new URL(url).host)
    const { stdout } = await promisify(execFile)('bash', ['-c', `${token}\n${local} -s --max-time 5 || true`])
    return stdout
  }
  const answers: Promise<string>[] = []
  for (const [, command = ''] of examples) {
    answers.push(run(command))
    // The first one follows what the others do.
    if (command.includes('-N')) await new Promise((resolve) => setTimeout(resolve, 1_500))
    else await answers.at(-1)
  }
  for (const [index, [, command, printed = '']] of examples.entries()) {
    const pattern = printed.trim().split('…').map(RegExp.escape).join('[\\s\\S]*?').replaceAll('ADA\\x2d1', 'ADA-\\d')
    expect(await answers[index], command).toMatch(new RegExp(pattern))
  }
})

test('a second demo on the same port says where the first one is, in one line', async () => {
  const text = await demo(new URL(url).port)
  expect(text).toMatch(/^Taskwire already runs at http\S+\. Open \S+\/board#WEB\. Or start one on another port: .+\n$/)
})

test.skipIf(!chromium)('the demo signs in with one click, and the board shows its sample tasks', async () => {
  const { context, complaints } = await openBrowser(String(chromium), url)
  const page = await context.newPage()
  await page.goto(url)
  await page.getByRole('button', { name: 'Chloé Martin' }).click()
  await page.getByText('Signed in as Chloé Martin').waitFor()
  await page.goto(`${url}/board#WEB`)
  await page.locator('.columns[aria-busy=false]').waitFor()
  expect(await page.locator('.card').count()).toBeGreaterThan(60)
  // She may only read this project.
  expect(await page.locator('.grip, .add').count()).toBe(0)
  await picture(page, 'board-demo')
  expect(complaints).toEqual([])
})
