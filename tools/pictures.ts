/**
 * Takes the pictures of the README from a demo, in Chromium: `npm run pictures`. Needs Chromium on
 * the PATH as `chromium`, or named by `CHROMIUM`.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { chromium, type Page } from 'playwright-core'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SIZE = { width: 1280, height: 800 }

async function startDemo() {
  const child = spawn(process.execPath, ['tools/demo.ts'], { cwd: ROOT, env: { ...process.env, PORT: '0' } })
  const url = await new Promise<string>((resolve, reject) => {
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => {
      text += String(chunk)
      const found = /Board +(\S+)\/board/.exec(text)?.[1]
      if (found && text.includes('TOKEN=')) resolve(found)
    })
    child.once('exit', (code) => reject(new Error(`The demo exited with code ${code}.`)))
  })
  return { url, stop: () => child.kill() }
}

async function signIn(page: Page, url: string, name: string): Promise<void> {
  await page.goto(url)
  await page.getByRole('button', { name }).click()
  await page.locator('[data-stream=live]').waitFor()
}

const demo = await startDemo()
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
})
const open = async (viewport = SIZE) => (await browser.newContext({ viewport, locale: 'en-GB' })).newPage()
const save = (page: Page, name: string) => page.screenshot({ path: `${ROOT}docs/${name}.png` })

const landing = await open({ ...SIZE, height: 1_000 })
await signIn(landing, demo.url, 'Ada Park')
for (const protocol of ['GraphQL', 'REST']) {
  await landing.getByRole('button', { name: `Create with ${protocol}` }).click()
  await landing
    .locator('.answer .badge')
    .nth(protocol === 'REST' ? 1 : 0)
    .waitFor()
}
await landing.locator('.events .key').nth(1).waitFor()
await landing.waitForTimeout(1_000)
await save(landing, 'landing')

const [ada, ben] = [await open(), await open()]
for (const [page, name] of [
  [ada, 'Ada Park'],
  [ben, 'Ben Okafor'],
] as const) {
  await signIn(page, demo.url, name)
  await page.goto(`${demo.url}/board#WEB`)
  await page.locator('.columns[aria-busy=false]').waitFor()
}
for (const key of ['ArrowDown', 'ArrowRight']) {
  await ben.locator('[data-status=PENDING] .grip').nth(1).focus()
  await ben.keyboard.press(key)
  await ben.waitForTimeout(300)
}
await ada.waitForTimeout(500)
await save(ada, 'board')

await browser.close()
demo.stop()
