import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Runs the first TypeScript of a page on a free port until the end of the test, with a file of the
 * repository in place of `taskwire/gateway`.
 */
export async function runPageCode(page: string, gateway: string): Promise<{ url: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'tw-page-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await symlink(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'))
  const file = join(folder, 'page.ts')
  await writeFile(file, codeOf(page).replace("'taskwire/gateway'", JSON.stringify(join(REPOSITORY, gateway))))
  return startServerFile(file)
}

/** Returns the first TypeScript of a page. */
export function codeOf(page: string): string {
  const code = page.match(/^```ts\n(.*?)^```$/ms)?.[1]
  if (!code) throw new Error('The page has no code.')
  return code
}

/** Starts a program that prints its URL in its first line, until the end of the test. */
export async function startServerFile(file: string, cwd?: string): Promise<{ url: string }> {
  const child = spawn(process.execPath, [file], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PORT: '0' },
    ...(cwd && { cwd }),
  })
  onTestFinished(async () => {
    const exited = once(child, 'exit')
    if (child.kill()) await exited
  })
  for await (const line of createInterface(child.stdout)) return { url: line }
  throw new Error(`${file} ended before it printed its URL.`)
}
