import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { onTestFinished } from 'vitest'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** The Chromium of this machine: that of `CHROMIUM`, or the first on the PATH. */
export async function findChromium(): Promise<string | undefined> {
  const { CHROMIUM, PATH = '' } = process.env
  if (CHROMIUM) return CHROMIUM
  for (const path of PATH.split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)))) {
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (found) return path
  }
  return undefined
}

export interface Visit {
  context: BrowserContext
  /** What its consoles and its network complained of, and every request to another host than the server. */
  complaints: string[]
}

/** A browser for one test, that keeps what its pages complain of. */
export async function openBrowser(executablePath: string, origin: string): Promise<Visit> {
  // Chromium's sandbox refuses to run as root, as containers do; nothing but our own pages is opened.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  const browser = await chromium.launch({ executablePath, args })
  onTestFinished(() => browser.close())
  const context = await browser.newContext({ viewport: { width: 1280, height: 1000 } })
  context.setDefaultTimeout(60_000)
  const complaints: string[] = []
  context.on('console', (message) => {
    if (['warning', 'error', 'assert'].includes(message.type()))
      complaints.push(`${message.type()}: ${message.text()} (${message.location().url})`)
  })
  context.on('weberror', (error) => complaints.push(`uncaught: ${error.error().message}`))
  context.on('requestfailed', (request) => complaints.push(`failed: ${request.url()} ${request.failure()?.errorText}`))
  context.on('request', (request) => {
    const { protocol, origin: asked } = new URL(request.url())
    if (protocol.startsWith('http') && asked !== origin) complaints.push(`asked another host: ${request.url()}`)
  })
  return { context, complaints }
}

/** Takes a picture for somebody to look at, into the folder that `PICTURES` names. */
export async function picture(page: Page, name: string): Promise<void> {
  const { PICTURES } = process.env
  if (PICTURES) await page.screenshot({ path: join(PICTURES, `${name}.png`) })
}
