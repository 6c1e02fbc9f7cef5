import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'
import { findChromium, openBrowser, picture, seriousFaults, type Visit } from '../support/browser.ts'
import { rest } from '../support/clients.ts'
import { serverProcess } from '../support/process.ts'
import { until } from '../support/wait.ts'

const PASSWORD = 'a password that is long enough'
const chromium = await findChromium()
if (!chromium) console.warn('\nSKIPPED: no Chromium found, the board is untested.\n')

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}

async function startServer() {
  const dataDir = await mkdtemp(join(tmpdir(), 'taskwire-board-'))
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  const settings = { PORT: String(await freePort()), DATA_DIR: dataDir, RATE_LIMIT: 'off' }
  return { start: () => serverProcess(settings) }
}

async function openBoard({ context }: Visit, url: string, email: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`${url}/board#BRD`)
  await page.getByLabel('E-mail').fill(email)
  await page.getByLabel('Password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.locator('.connection.live').waitFor()
  await page.locator('.columns[aria-busy=false]').waitFor()
  return page
}

const titles = (page: Page, status: string) => page.locator(`[data-status=${status}] .title`).allInnerTexts()
const card = (page: Page, title: string) => page.locator('.card', { hasText: title })
const shows = (page: Page, status: string, expected: string[]) =>
  until(
    `${status} shows ${expected}`,
    async () => JSON.stringify(await titles(page, status)) === JSON.stringify(expected),
  )

async function drag(page: Page, title: string, onto: string, part: number): Promise<void> {
  const from = await card(page, title).boundingBox()
  const to = await card(page, onto).boundingBox()
  await page.mouse.move(from!.x + 40, from!.y + 12)
  await page.mouse.down()
  await page.mouse.move(to!.x + 40, to!.y + to!.height * part, { steps: 4 })
  await page.mouse.up()
}

test.skipIf(!chromium)(
  'two boards follow each other, resolve a conflict, and lose nothing when the server restarts',
  async () => {
    const process = await startServer()
    const server = await process.start()
    const register = async (name: string) => {
      const body = { email: `${name.toLowerCase()}@example.org`, password: PASSWORD, name }
      return (await rest(server, 'POST /auth/register', { body })).body.accessToken as string
    }
    const [token] = [await register('Ada'), await register('Ben')]
    const as = (call: string, body?: object) => rest(server, call, { token, body })
    const { id: projectId } = (await as('POST /projects', { name: 'Board', key: 'BRD' })).body
    await as(`POST /projects/${projectId}/members`, { email: 'ben@example.org', role: 'EDITOR' })
    for (const title of ['One', 'Two', 'Three', 'Four']) await as('POST /tasks', { projectId, title })

    const first = await openBrowser(String(chromium), server.url)
    const second = await openBrowser(String(chromium), server.url)
    const ada = await openBoard(first, server.url, 'ada@example.org')
    const ben = await openBoard(second, server.url, 'ben@example.org')
    await shows(ben, 'PENDING', ['One', 'Two', 'Three', 'Four'])
    await picture(ada, 'board-light')
    expect(await seriousFaults(ada)).toEqual([])

    // Order is kept, and the other sees who moved what.
    await drag(ada, 'Three', 'One', 0.2)
    await shows(ben, 'PENDING', ['Three', 'One', 'Two', 'Four'])
    await ben.locator('.activity li', { hasText: 'Ada moved BRD-3 Three' }).waitFor()
    await card(ben, 'One').locator('.grip').focus()
    await ben.keyboard.press('ArrowRight')
    await shows(ada, 'IN_PROGRESS', ['One'])
    await ada.locator('.activity li', { hasText: 'Ben moved BRD-1 One to In progress' }).waitFor()
    expect(await ben.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toMatch(/^Move BRD-1/)
    await drag(ben, 'Two', 'One', 0.8)
    await shows(ada, 'IN_PROGRESS', ['One', 'Two'])

    // Both edit one card. The field that only one changed is merged, the other is asked about.
    await card(ben, 'Four').locator('.title').click()
    await ben.getByLabel('Title', { exact: true }).fill('Four by Ben')
    await card(ada, 'Four').locator('.title').click()
    await ada.getByLabel('Title', { exact: true }).fill('Four by Ada')
    await ada.getByLabel('Priority').last().selectOption('5')
    await ada.getByRole('button', { name: 'Save' }).click()
    const conflict = ben.locator('[data-conflict=title]')
    await conflict.getByText('You and Ada both changed the title').waitFor()
    await ben.getByText('Ada changed the priority. It is merged here.').waitFor()
    await picture(ben, 'board-conflict')
    expect(await seriousFaults(ben)).toEqual([])
    await conflict.getByRole('button', { name: 'Keep mine' }).click()
    await ben.getByRole('button', { name: 'Save' }).click()
    await shows(ada, 'PENDING', ['Three', 'Four by Ben'])
    expect((await as('GET /tasks/BRD-4')).body).toMatchObject({ title: 'Four by Ben', priority: 5, version: 3 })

    // A comment reaches the other's open dialog.
    await card(ada, 'Four').locator('.title').click()
    await card(ben, 'Four').locator('.title').click()
    await ben.getByRole('textbox', { name: 'Comment' }).fill('Looks good')
    await ben.getByRole('button', { name: 'Send' }).click()
    await ada.locator('.comments li', { hasText: 'Looks good' }).waitFor()
    await ada.keyboard.press('Escape')
    await ben.keyboard.press('Escape')

    await server.kill('SIGTERM')
    for (const page of [ada, ben]) await page.locator('.connection.cut').waitFor()
    await ada.getByRole('button', { name: 'Add a task to To do' }).click()
    await ada.getByLabel('Title of the new task in To do').fill('Written while the server was away')
    await ada.keyboard.press('Enter')
    await ada.getByText('The server cannot be reached.').waitFor()
    // Ben's browser finds the server only after more has happened.
    await second.context.setOffline(true)
    await process.start()
    for (const title of ['Five', 'Six']) await as('POST /tasks', { projectId, title })
    await second.context.setOffline(false)
    await ada.getByRole('button', { name: 'Try again' }).click()
    for (const page of [ada, ben]) {
      await page.locator('.connection.live').waitFor()
      await shows(page, 'PENDING', ['Three', 'Four by Ben', 'Five', 'Six', 'Written while the server was away'])
    }
    await ben.getByText(/Connected again\. \d changes? caught up\./).waitFor()

    await ben.emulateMedia({ colorScheme: 'dark' })
    await ben.setViewportSize({ width: 390, height: 800 })
    await picture(ben, 'board-phone-dark')
    expect(await seriousFaults(ben)).toEqual([])
    const unexpected = [...first.complaints, ...second.complaints].filter(
      (line) =>
        !/ERR_CONNECTION_REFUSED|ERR_INTERNET_DISCONNECTED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/.test(
          line,
        ),
    )
    expect(unexpected).toEqual([])
  },
  240_000,
)
