/**
 * Measures the board in Chromium with 2,000 cards: the time to show them, the work per frame while all
 * columns scroll, and the time from the answer to a change until another window shows it.
 * Needs Chromium as `chromium`, or named by `CHROMIUM`.
 */
import { chromium } from 'playwright-core'
import { DEMO_PASSWORD, PEOPLE, seed } from '../prisma/seed.ts'
import { startServer } from '../src/app/server.ts'
import { readConfig } from '../src/config.ts'
import { createLogs } from '../src/log.ts'

const CARDS = 2_000
const BATCH = 1_000
const FRAMES = 120
const CHANGES = 20
const STATUSES = ['PENDING', 'IN_PROGRESS', 'COMPLETED', 'CANCELLED']
const [, BEN] = PEOPLE

const config = readConfig({ PORT: '0', DATA_DIR: 'memory://', RATE_LIMIT: 'off', LOG_LEVEL: 'warn' })
const demo = [{ name: BEN.name, email: BEN.email, password: DEMO_PASSWORD }]
const { log } = await createLogs(config.LOG_LEVEL)
const server = await startServer(config, log, undefined, { demo })
await seed(server.db)

let token = ''
async function call(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) }
  const response = await fetch(`${server.url}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as Record<string, unknown>
}

token = String((await call('POST', '/auth/sign-in', { email: BEN.email, password: DEMO_PASSWORD })).accessToken)
const { id: projectId } = await call('POST', '/projects', { name: 'Large', key: 'BIG' })
for (let from = 0; from < CARDS; from += BATCH) {
  const items = Array.from({ length: BATCH }, (_, index) => ({
    projectId,
    title: `Task ${from + index} with a title of the usual length`,
    status: STATUSES[index % STATUSES.length],
    priority: 1 + (index % 5),
    dueAt: '2030-01-31T12:00:00Z',
  }))
  await call('POST', '/tasks/bulk', { items })
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
})
const page = await (await browser.newContext({ viewport: { width: 1280, height: 860 } })).newPage()
await page.goto(`${server.url}/board#BIG`)
const opened = performance.now()
await page.getByRole('button', { name: BEN.name }).click()
await page.locator('.columns[aria-busy=false]').waitFor()
console.log(`${await page.locator('.card').count()} cards shown after ${Math.round(performance.now() - opened)} ms`)

const session = await page.context().newCDPSession(page)
// Time on the processor, so that other programs do not count.
await session.send('Performance.enable', { timeDomain: 'threadTicks' })
const metrics = async () => {
  const { metrics: list } = await session.send('Performance.getMetrics')
  const seconds = (name: string) => list.find((metric) => metric.name === name)?.value ?? 0
  return { script: seconds('ScriptDuration'), layout: seconds('LayoutDuration'), style: seconds('RecalcStyleDuration') }
}
await page.waitForTimeout(1_000)
const before = await metrics()
await page.evaluate(async (frames) => {
  const lists = [...document.querySelectorAll('.cards')]
  for (let frame = 0; frame < frames; frame++) {
    for (const list of lists) list.scrollTop += 120
    await new Promise(requestAnimationFrame)
  }
}, FRAMES)
const after = await metrics()
for (const name of ['script', 'layout', 'style'] as const)
  console.log(`${name}: ${(((after[name] - before[name]) * 1_000) / FRAMES).toFixed(2)} ms a frame`)

/** Returns the time at which the board shows a title. Runs in the page. */
const showing = (title: string) =>
  new Promise<number>((resolve) => {
    const board = document.querySelector('.columns')
    const observer = new MutationObserver(() => {
      if (!board?.textContent?.includes(title)) return
      observer.disconnect()
      requestAnimationFrame(() => resolve(Date.now()))
    })
    observer.observe(document.body, { subtree: true, childList: true, characterData: true })
  })

const { nodes } = (await call('GET', `/tasks?projectId=${projectId}&limit=${CHANGES}`)) as { nodes: { id: string }[] }
const delays: number[] = []
for (const { id } of nodes) {
  const title = `Changed ${id}`
  const shown = page.evaluate(showing, title)
  await call('PATCH', `/tasks/${id}`, { title })
  const answered = Date.now()
  delays.push(Math.max(0, (await shown) - answered))
}
delays.sort((a, b) => a - b)
console.log(
  `a change is shown ${Math.round(delays[CHANGES / 2] ?? 0)} ms after its answer, at most ${Math.round(delays.at(-1) ?? 0)} ms`,
)

await browser.close()
await server.close()
