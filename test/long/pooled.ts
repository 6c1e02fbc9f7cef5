/**
 * node test/long/pooled.ts [pgbouncer|haproxy] [test files …]
 * Runs the tests with PostgreSQL behind PgBouncer in transaction mode, then behind HAProxy, each
 * configured as docs/high-availability.md says. Needs TEST_DATABASE_URL and the two programs. Exit
 * code 1 if a test failed.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { documented, freePorts, type ProxyProcess, replaced, startHaproxy, startPgbouncer } from '../support/proxies.ts'

const direct = process.env.TEST_DATABASE_URL
if (!direct) throw new Error('TEST_DATABASE_URL is not set')

const through = (port: number, parameters: Record<string, string> = {}) => {
  const url = new URL(direct)
  url.host = `127.0.0.1:${port}`
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url.href
}

const PROXIES: Record<string, () => Promise<{ proxy: ProxyProcess; settings: Record<string, string> }>> = {
  async pgbouncer() {
    const proxy = await startPgbouncer(direct)
    const url = through(proxy.ports[0] ?? 0, { pgbouncer: 'true' })
    return { proxy, settings: { TEST_DATABASE_URL: url, TEST_DATABASE_DIRECT_URL: direct } }
  },
  async haproxy() {
    const [port = 0] = await freePorts(1)
    const { hostname, port: target } = new URL(direct)
    let text = `${documented('haproxy.cfg').split(/^frontend/m)[0]}listen${documented('haproxy.cfg').split(/^listen/m)[1]}`
    text = replaced(text, 'bind 127.0.0.1:5000', `bind 127.0.0.1:${port}`)
    text = replaced(text, 'server postgres 127.0.0.1:5432', `server postgres ${hostname}:${target || 5432}`)
    const proxy = await startHaproxy(text, [port])
    return { proxy, settings: { TEST_DATABASE_URL: through(port) } }
  },
}

const names = process.argv.slice(2).filter((word) => word in PROXIES)
const files = process.argv.slice(2).filter((word) => !(word in PROXIES))
for (const [name, begin] of Object.entries(PROXIES)) {
  if (names.length > 0 && !names.includes(name)) continue
  const { proxy, settings } = await begin()
  const child = spawn('npx', ['vitest', 'run', '--project', 'postgres', ...files], {
    stdio: 'inherit',
    env: { ...process.env, ...settings },
  })
  const [code] = await once(child, 'exit')
  await proxy.stop()
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} the suite behind ${name}`)
  if (code !== 0) process.exitCode = 1
}
