import { expect, test } from 'vitest'
import { findChromium, openBrowser, picture } from '../support/browser.ts'
import { rest } from '../support/clients.ts'
import { ownServerForTest, sharedServer, signUp } from '../support/server.ts'
import { until } from '../support/wait.ts'

const PASSWORD = 'a password that is long enough'
const EMAIL = 'ada@example.org'

const chromium = await findChromium()
if (!chromium)
  console.warn(
    '\nSKIPPED: no Chromium found, documentation pages are untested. Install it or set CHROMIUM to its path.\n',
  )

test.skipIf(!chromium)(
  'in a browser: sign in at /docs, create a task there, find it by the GraphiQL link; /redoc reads; nothing complains',
  async () => {
    const server = await ownServerForTest()
    await rest(server, 'POST /auth/register', { body: { email: EMAIL, password: PASSWORD, name: 'Ada' } })
    const { context, complaints } = await openBrowser(String(chromium), server.url)

    const docs = await context.newPage()
    await docs.goto(`${server.url}/docs`)
    await docs.getByRole('button', { name: 'Authorize' }).click()
    await docs.locator('#oauth_username').fill(EMAIL)
    await docs.locator('#oauth_password').fill(PASSWORD)
    const flow = docs.locator('.auth-container', { hasText: 'OAuth2, password' })
    await flow.getByRole('button', { name: 'Apply given OAuth2 credentials' }).click()
    await flow.getByText('Logout').waitFor()
    await picture(docs, '1-authorized')
    await docs.locator('.btn-done').first().click()

    const createTask = docs.locator('#operations-tasks-createTask')
    await createTask.locator('.opblock-summary-control').click()
    await createTask.locator('textarea.body-param__text').fill('{"title": "From a browser"}')
    await createTask.getByRole('button', { name: 'Execute' }).click()
    const answer = createTask.locator('.live-responses-table tbody')
    await answer.waitFor()
    expect(await answer.locator('.response-col_status').innerText()).toMatch(/^201/)
    expect(await answer.innerText()).toContain('"title": "From a browser"')
    await answer.scrollIntoViewIfNeeded()
    await picture(docs, '2-created')

    const tasks = docs.locator('#operations-tasks-tasks')
    await tasks.locator('.opblock-summary-control').click()
    await tasks
      .getByRole('button', { name: /^Add integer/ })
      .first()
      .click()
    await tasks
      .getByRole('button', { name: /^Add string/ })
      .first()
      .click()
    await tasks.scrollIntoViewIfNeeded()
    await picture(docs, '3-list')
    const [graphiql] = await Promise.all([
      context.waitForEvent('page'),
      tasks.getByRole('link', { name: 'Open in GraphiQL' }).click(),
    ])
    await graphiql.getByRole('button', { name: 'Headers' }).click()
    await graphiql.locator('.graphiql-editor-tool .monaco-editor').last().click()
    const { accessToken } = (await rest(server, 'POST /auth/sign-in', { body: { email: EMAIL, password: PASSWORD } }))
      .body
    await graphiql.keyboard.insertText(JSON.stringify({ Authorization: `Bearer ${accessToken}` }))
    await graphiql.getByRole('button', { name: /^Execute query/ }).click()
    await graphiql.locator('.graphiql-response', { hasText: 'From a browser' }).waitFor()
    await picture(graphiql, '4-graphiql')

    const redoc = await context.newPage()
    await redoc.goto(`${server.url}/redoc`)
    await redoc.locator('h2', { hasText: 'Create a task' }).first().waitFor()
    await picture(redoc, '5-redoc')

    expect(complaints).toEqual([])
  },
  240_000,
)

test.skipIf(!chromium)(
  'in a browser: GraphiQL opens with a query, a mutation and a subscription that run as they are once signed in',
  async () => {
    const server = await sharedServer()
    const { email, password } = await signUp(server)
    const { context, complaints } = await openBrowser(String(chromium), server.url)
    const page = await context.newPage()
    await page.goto(`${server.url}/graphql`)
    await page.getByRole('link', { name: 'Sign in' }).click()
    await page.getByLabel('E-mail').fill(email)
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.locator('[data-stream=live]').waitFor()
    const sockets: string[] = []
    page.on('websocket', (socket) => sockets.push(socket.url()))
    await page.goto(`${server.url}/graphql`)

    const run = async (name: string, answer: string) => {
      await page.getByRole('tab', { name }).click()
      // GraphiQL reads the document of a tab a moment after showing it.
      await page.waitForTimeout(500)
      await page.getByRole('button', { name: /^Execute query/ }).click()
      await page.locator('.graphiql-response', { hasText: answer }).waitFor()
    }
    await run('UrgentTasks', 'totalCount')
    await run('CreateTask', 'Try GraphiQL')
    const before = server.openCounts().streams
    await page.getByRole('tab', { name: 'FollowTasks' }).click()
    await page.waitForTimeout(500)
    await page.getByRole('button', { name: /^Execute query/ }).click()
    await until('the subscription is open', () => server.openCounts().streams > before)
    const session = await page.evaluate(() => localStorage.getItem('taskwire.session'))
    const token = JSON.parse(String(session)).accessToken
    await rest(server, 'POST /tasks', { token, body: { title: 'Followed in GraphiQL' } })
    await page.locator('.graphiql-response', { hasText: 'Followed in GraphiQL' }).waitFor()
    expect(sockets).toEqual([`${server.url.replace('http', 'ws')}/graphql`])
    await picture(page, 'graphiql-live')
    expect(complaints).toEqual([])
  },
  240_000,
)
