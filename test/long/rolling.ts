/**
 * node test/long/rolling.ts [ref] [seconds]
 * Upgrades a database under two servers: one of the release before (a Git ref, by default the last
 * tag, or else the commit before the newest migration), then one of this release beside it. Both
 * take writes and serve streams meanwhile. Needs TEST_DATABASE_URL. Exit code 1 if a request fails,
 * or a list or a stream lacks a task.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { emptyPostgres } from '../support/database.ts'
import { printedUrl } from '../support/printed-url.ts'
import { follow, readAll, write } from './rolling/traffic.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const git = (...args: string[]) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim()

function releaseBefore(): string {
  const tag = git('tag', '--list', '--sort=-creatordate').split('\n')[0]
  if (tag) return tag
  const newest = git('log', '-1', '--diff-filter=A', '--format=%H', '--', 'prisma/migrations')
  return `${newest}^`
}

/** Extracts a ref into a folder, with the modules of this one if they are the same. */
function extract(ref: string, folder: string): void {
  const archive = execFileSync('git', ['archive', ref], { cwd: ROOT, maxBuffer: 2 ** 30 })
  execFileSync('tar', ['-x', '-C', folder], { input: archive })
  const lock = (at: string) => readFileSync(join(at, 'package-lock.json'), 'utf8')
  if (lock(folder) === lock(ROOT)) symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  else execFileSync('npm', ['ci'], { cwd: folder, stdio: 'inherit' })
  if (!existsSync(join(folder, 'src/generated'))) {
    execFileSync(join(folder, 'node_modules/.bin/prisma'), ['generate'], { cwd: folder, stdio: 'ignore' })
  }
}

async function serve(folder: string, databaseUrl: string): Promise<{ url: string; child: ChildProcess }> {
  const { TEST_DATABASE_URL: _, ...environment } = process.env
  const child = spawn(process.execPath, ['src/main.ts'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...environment,
      PORT: '0',
      LOG_LEVEL: 'info',
      RATE_LIMIT: 'off',
      DATABASE_URL: databaseUrl,
      DATA_DIR: tmpdir(),
      JWT_SECRET: 'a secret for tests that is long enough',
    },
  })
  return { url: await printedUrl(child), child }
}

async function end(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  await exit
}

const ref = process.argv[2] ?? releaseBefore()
const ms = Number(process.argv[3] ?? 20) * 1_000
const folder = mkdtempSync(join(tmpdir(), 'tw-release-'))
const database = await emptyPostgres()
const children: ChildProcess[] = []
try {
  extract(ref, folder)
  const old = await serve(folder, database.url)
  children.push(old.child)
  const account = { email: `${randomUUID()}@example.org`, password: randomUUID(), name: 'Ada' }
  const registered = await fetch(`${old.url}/api/v1/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(account),
  })
  const { accessToken: token } = (await registered.json()) as { accessToken: string }

  const servers = [old.url]
  const writing = write(servers, token)
  const followers = [follow(old.url, token)]
  await writing.until(50)
  // The database gets the new migrations while the old server works.
  const fresh = await serve(ROOT, database.url)
  children.push(fresh.child)
  servers.push(fresh.url)
  followers.push(follow(fresh.url, token, followers[0]?.start))
  const together = writing.ids.length
  const deadline = performance.now() + ms
  while (performance.now() < deadline || writing.ids.length < together + 100)
    await writing.until(writing.ids.length + 10)
  await writing.end()

  const failures = [...writing.failures]
  const wanted = writing.ids.toSorted()
  for (const [index, url] of servers.entries()) {
    const name = index === 0 ? 'old' : 'new'
    const listed = (await readAll(url, token)).toSorted()
    if (listed.join() !== wanted.join()) failures.push(`${name}: lists ${listed.length} of ${wanted.length} tasks`)
    const seen = (await followers[index]?.complete(wanted)) ?? 0
    if (seen !== wanted.length) failures.push(`${name}: streamed ${seen} of ${wanted.length} tasks`)
  }
  for (const failure of failures.slice(0, 20)) console.error(`FAILED: ${failure}`)
  if (failures.length > 0) process.exitCode = 1
  console.log(
    `${ref} and this release served one database: ${wanted.length} tasks, ${wanted.length - together} by both`,
  )
} finally {
  for (const child of children) if (child.exitCode === null) await end(child)
  await database.drop()
  rmSync(folder, { recursive: true })
}
process.exit()
