/**
 * node test/long/package.ts
 *
 * Packs the project, installs it with npm in an empty folder, and runs what docs/gateway.md and
 * `npx taskwire serve` promise from there. Needs npm's registry or its cache. Prints a verdict;
 * exit code 1 on failure.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { output, packPackage } from '../support/package.ts'
import { codeOf } from '../support/page-code.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const { folder, tarball } = await packPackage()
try {
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}')
  writeFileSync(join(folder, 'page.ts'), codeOf(readFileSync(join(ROOT, 'docs/gateway.md'), 'utf8')))
  const options = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
  const started = performance.now()
  await output(folder, 'npm', 'install', ...options, tarball, '@pothos/core', 'graphql')
  console.log(`installed in ${((performance.now() - started) / 1000).toFixed(1)} s`)
  await checkPage()
  await checkServer()
  console.log('package: ok')
} catch (error) {
  console.error(error, `\npackage: FAILED, see ${folder}`)
  process.exit(1)
}
rmSync(folder, { recursive: true })

async function checkPage(): Promise<void> {
  await withProcess(process.execPath, ['page.ts'], /^(http\S+)$/, async (url) => {
    const headers = { 'content-type': 'application/json' }
    const created = await fetch(`${url}/api/v1/notes`, { method: 'POST', headers, body: '{"text": "Buy tea"}' })
    assert.equal(created.status, 201)
    const document = (await (await fetch(`${url}/api/v1/openapi.json`)).json()) as { openapi: string }
    assert.match(document.openapi, /^3\.1/)
    assert.equal((await fetch(`${url}/docs`)).status, 200)
  })
}

async function checkServer(): Promise<void> {
  await withProcess('npx', ['taskwire', 'serve'], /"url":"([^"]+)"/, async (url) => {
    assert.equal((await fetch(`${url}/readyz`)).status, 200)
  })
}

/** Runs a program until `use` is done with the URL that it prints. */
async function withProcess(program: string, args: string[], line: RegExp, use: (url: string) => Promise<void>) {
  // A group of its own, because npx starts the server as a child.
  const child = spawn(program, args, {
    cwd: folder,
    detached: true,
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    for await (const text of createInterface(child.stdout)) {
      const url = line.exec(text)?.[1]
      if (url) return await use(url)
    }
    throw new Error(`${program} ${args.join(' ')} ended`)
  } finally {
    process.kill(-(child.pid ?? 0))
  }
}
