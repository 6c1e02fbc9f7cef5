import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'
import { findChromium, openBrowser, picture, seriousFaults, type Visit } from '../support/browser.ts'
import { rest } from '../support/clients.ts'
import { freePort } from '../support/free-port.ts'
import { serverProcess } from '../support/process.ts'
import { until } from '../support/wait.ts'

const PASSWORD = 'a password that is long enough'
const chromium = await findChromium()
if (!chromium) console.warn('\nSKIPPED: no Chromium found, the board is untested.\n')

async function startServer(more: Record<string, string> = {}) {
  const dataDir = await mkdtemp(join(tmpdir(), 'taskwire-board-'))
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  const settings = { PORT: String(await freePort()), DATA_DIR: dataDir, RATE_LIMIT: 'off', ...more }
  return { start: () => serverProcess(settings) }
}

/** Creates the project BRD of Ada, in which Ben is an EDITOR, with tasks. */
async function createProject(server: { url: string }, tasks: string[]) {
  const register = async (name: string) => {
    const body = { email: `${name.toLowerCase()}@example.org`, password: PASSWORD, name }
    return (await rest(server, 'POST /auth/register', { body })).body.accessToken as string
  }
  const [token] = [await register('Ada'), await register('Ben')]
  const as = (call: string, body?: object) => rest(server, call, { token, body })
  const { id: projectId } = (await as('POST /projects', { name: 'Board', key: 'BRD' })).body
  await as(`POST /projects/${projectId}/members`, { email: 'ben@example.org', role: 'EDITOR' })
  for (const title of tasks) await as('POST /tasks', { projectId, title })
  return { projectId, as }
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
    const { projectId, as } = await createProject(server, ['One', 'Two', 'Three', 'Four'])

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
    await keepNotices(ben)
    await process.start()
    for (const title of ['Five', 'Six']) await as('POST /tasks', { projectId, title })
    await second.context.setOffline(false)
    await ada.getByRole('button', { name: 'Try again' }).click()
    for (const page of [ada, ben]) {
      await page.locator('.connection.live').waitFor()
      await shows(page, 'PENDING', ['Three', 'Four by Ben', 'Five', 'Six', 'Written while the server was away'])
    }
    await until('Ben is told', async () => /Connected again\. \d changes? caught up\./.test(await noticed(ben)))

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

/** Remembers notices, which leave after six seconds. */
const keepNotices = (page: Page) =>
  page.evaluate(() => {
    const notices = document.querySelector('.notices')
    if (notices)
      new MutationObserver(() =>
        document.body.setAttribute('data-noticed', `${document.body.dataset.noticed} ${notices.textContent}`),
      ).observe(notices, { childList: true, subtree: true, characterData: true })
  })
const noticed = (page: Page) => page.evaluate(() => document.body.dataset.noticed ?? '')

interface NamedFile {
  name: string
  text: string
}

/** Drops files as a desktop does: over the element first, then on it. */
async function dropFiles(page: Page, onto: string, files: NamedFile[]): Promise<void> {
  const transfer = await page.evaluateHandle((all) => {
    const data = new DataTransfer()
    for (const { name, text } of all) data.items.add(new File([text], name, { type: 'text/plain' }))
    return data
  }, files)
  for (const type of ['dragenter', 'dragover', 'drop'])
    await page.locator(onto).first().dispatchEvent(type, { dataTransfer: transfer })
}

test.skipIf(!chromium)(
  'files are attached by button and by drop, saved and deleted; refusals and cuts are shown and can be tried again',
  async () => {
    const server = await (await startServer({ UPLOAD_LIMIT: '1000000' })).start()
    const { as } = await createProject(server, ['One', 'Two'])
    const first = await openBrowser(String(chromium), server.url)
    const second = await openBrowser(String(chromium), server.url)
    const ada = await openBoard(first, server.url, 'ada@example.org')
    const ben = await openBoard(second, server.url, 'ben@example.org')
    // Long before it is needed, because the browser is told of it in the background.
    const choosing = ada.waitForEvent('filechooser')
    for (const page of [ada, ben]) await card(page, 'One').locator('.title').click()
    const file = (page: Page, name: string) => page.locator('.files li', { hasText: name })
    const names = async (task: string) =>
      (await as(`GET /tasks/${task}/attachments`)).body.nodes.map(({ filename }: { filename: string }) => filename)

    // By keyboard. One file is too large.
    await ada.getByRole('button', { name: 'Attach files' }).focus()
    await ada.keyboard.press('Enter')
    const chooser = await choosing
    const buffer = Buffer.from('What we agreed on')
    await chooser.setFiles([
      { name: 'notes.txt', mimeType: 'text/plain', buffer },
      { name: 'film.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(5_000_000) },
    ])
    await file(ada, 'notes.txt').getByText('17 bytes').waitFor()
    await file(ada, 'film.bin').getByRole('alert').getByText('UPLOAD_LIMIT').waitFor()
    await picture(ada, 'board-files-light')
    expect(await seriousFaults(ada)).toEqual([])
    await ada.getByRole('button', { name: 'Forget film.bin' }).click()
    await until('the refused file is forgotten', async () => (await file(ada, 'film.bin').count()) === 0)

    // The other sees it at once, saves it, and cannot delete it.
    await file(ben, 'notes.txt').getByText('Ada').waitFor()
    const [download] = await Promise.all([
      ben.waitForEvent('download'),
      ben.getByRole('button', { name: 'Download notes.txt' }).click(),
    ])
    expect([download.suggestedFilename(), await readFile(await download.path(), 'utf8')]).toEqual([
      'notes.txt',
      'What we agreed on',
    ])
    expect(await ben.getByRole('button', { name: /^Delete/ }).count()).toBe(0)

    // Dropped on the dialog, and on the card of another task.
    await dropFiles(ben, 'dialog.task', [
      { name: 'a.txt', text: 'a' },
      { name: 'b.txt', text: 'b' },
    ])
    for (const name of ['a.txt', 'b.txt']) await file(ada, name).getByText('Ben').waitFor()
    await ben.keyboard.press('Escape')
    await ben.locator('dialog').waitFor({ state: 'detached' })
    await dropFiles(ben, '.card:has-text("Two")', [{ name: 'c.txt', text: 'c' }])
    await ben.locator('.activity li', { hasText: 'You attached c.txt to BRD-2' }).waitFor()
    expect(await names('BRD-2')).toEqual(['c.txt'])
    await dropFiles(ben, '.bar', [{ name: 'nowhere.txt', text: '' }])

    // A slow connection, which would take 100 s, shows progress and can be stopped.
    const network = await second.context.newCDPSession(ben)
    const speed = { offline: false, latency: 0, downloadThroughput: -1 }
    await network.send('Network.emulateNetworkConditions', { ...speed, uploadThroughput: 50_000 })
    await card(ben, 'Two').locator('.title').click()
    await file(ben, 'c.txt').waitFor()
    await dropFiles(ben, 'dialog.task', [{ name: 'slow.txt', text: 'x'.repeat(5_000_000) }])
    const progress = ben.getByRole('progressbar', { name: 'Sending slow.txt' })
    await until(
      'some of it is sent',
      async () => (await progress.evaluate((bar: HTMLProgressElement) => bar.position)) > 0.02,
    )
    await picture(ben, 'board-files-progress')
    expect(await seriousFaults(ben)).toEqual([])
    await ben.getByRole('button', { name: 'Stop sending slow.txt' }).click()
    await until('it is gone', async () => (await file(ben, 'slow.txt').count()) === 0)
    await network.send('Network.emulateNetworkConditions', { ...speed, uploadThroughput: -1 })

    // Without a connection, the file waits for another try.
    await second.context.setOffline(true)
    await dropFiles(ben, 'dialog.task', [{ name: 'later.txt', text: 'later' }])
    await file(ben, 'later.txt').getByText('The server cannot be reached.').waitFor()
    await ben.emulateMedia({ colorScheme: 'dark' })
    await ben.setViewportSize({ width: 390, height: 800 })
    await file(ben, 'later.txt').scrollIntoViewIfNeeded()
    await picture(ben, 'board-files-phone-dark')
    expect(await seriousFaults(ben)).toEqual([])
    await second.context.setOffline(false)
    await ben.getByRole('button', { name: 'Try again to attach later.txt' }).click()
    await ben.getByRole('button', { name: 'Download later.txt' }).waitFor()
    expect((await names('BRD-2')).sort()).toEqual(['c.txt', 'later.txt'])

    // Deleting asks first.
    await ada.getByRole('button', { name: 'Delete a.txt' }).press('Enter')
    expect((await names('BRD-1')).sort()).toEqual(['a.txt', 'b.txt', 'notes.txt'])
    await ada.getByRole('button', { name: 'Delete for good a.txt' }).press('Enter')
    await until('it is deleted', async () => (await names('BRD-1')).length === 2)
    // Ben has another task open. The event of a deletion does not name the file.
    await ben.keyboard.press('Escape')
    await ben.locator('.activity li', { hasText: 'Ada deleted a file' }).waitFor()
    const expected = /413 \(|ERR_INTERNET_DISCONNECTED/
    expect([...first.complaints, ...second.complaints].filter((line) => !expected.test(line))).toEqual([])
  },
  240_000,
)
