import { access, constants, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { onTestFinished } from 'vitest'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** Finds Chromium: `CHROMIUM`, or the first one on the PATH. */
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
  /** Console warnings, failed requests, and requests to any host other than the server. */
  complaints: string[]
}

/** Opens a browser for one test and collects the complaints of its pages. */
export async function openBrowser(executablePath: string, origin: string): Promise<Visit> {
  // Chromium's sandbox refuses to run as root, as in containers. Tests open only our pages.
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
  context.on('requestfailed', (request) => {
    const reason = request.failure()?.errorText
    // The page was left, or ended the request itself.
    if (reason !== 'net::ERR_ABORTED') complaints.push(`failed: ${request.url()} ${reason}`)
  })
  context.on('request', (request) => {
    const { protocol, origin: asked } = new URL(request.url())
    if (protocol.startsWith('http') && asked !== origin) complaints.push(`request to another host: ${request.url()}`)
  })
  return { context, complaints }
}

/** Saves a screenshot into the folder that `PICTURES` names, if set. */
export async function picture(page: Page, name: string): Promise<void> {
  const { PICTURES } = process.env
  if (PICTURES) await page.screenshot({ path: join(PICTURES, `${name}.png`) })
}

/** Returns the accessibility faults that axe calls serious or critical, one line each. */
export async function seriousFaults(page: Page): Promise<string[]> {
  // Evaluated rather than added as a script, which the content security policy of our pages forbids.
  await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'))
  const found = await page.evaluate(() => (globalThis as unknown as { axe: Axe }).axe.run())
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, help, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id} ${help} ${target} ${failureSummary}`),
    )
}

interface Axe {
  run(): Promise<{
    violations: {
      id: string
      impact?: string | null
      help: string
      nodes: { target: unknown; failureSummary?: string }[]
    }[]
  }>
}
