import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { findChromium, openBrowser, picture, seriousFaults } from '../support/browser.ts'
import { rest } from '../support/clients.ts'
import { sharedServer, signUp } from '../support/server.ts'

const chromium = await findChromium()
if (!chromium) console.warn('\nSKIPPED: no Chromium found, the start page is untested.\n')

const create = (page: Page, protocol: string) => page.getByRole('button', { name: `Create with ${protocol}` }).click()
const newestEvent = (page: Page) => page.locator('.events li').first()

test.skipIf(!chromium)(
  'on the start page both buttons create a task, and the live pane shows each at once',
  async () => {
    const server = await sharedServer()
    const { email, password, token } = await signUp(server, 'Ada Park')
    const { context, complaints } = await openBrowser(String(chromium), server.url)
    const page = await context.newPage()
    await page.goto(server.url)
    expect(await page.getByRole('button', { name: 'Create with REST' }).isDisabled()).toBe(true)
    await picture(page, 'landing-signed-out')
    await page.getByLabel('E-mail').fill(email)
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.locator('[data-stream=live]').waitFor()

    await page.getByLabel('Title of the task').fill('By "GraphQL"')
    await create(page, 'GraphQL')
    await newestEvent(page).getByText('By "GraphQL"').waitFor()
    await page.getByText('"createTask"').waitFor()
    await page.getByLabel('Title of the task').fill('By REST')
    await create(page, 'REST')
    await newestEvent(page).getByText('By REST').waitFor()
    await page.getByText(/^201 in \d+ ms$/).waitFor()
    expect(await newestEvent(page).innerText()).toMatch(/task\.created \d+ ms after the click/)
    const { nodes } = (await rest(server, 'GET /tasks?fields=title', { token })).body
    expect(nodes).toEqual([{ title: 'By "GraphQL"' }, { title: 'By REST' }])
    await picture(page, 'landing-light')
    expect(await seriousFaults(page)).toEqual([])

    await page.emulateMedia({ colorScheme: 'dark' })
    await picture(page, 'landing-dark')
    expect(await seriousFaults(page)).toEqual([])

    await page.setViewportSize({ width: 390, height: 800 })
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
    await picture(page, 'landing-phone')

    // The board uses the same session.
    await page.getByRole('link', { name: 'Board' }).first().click()
    await page.locator('.connection.live').waitFor()
    expect(complaints).toEqual([])
  },
  240_000,
)
