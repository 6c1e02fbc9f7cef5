// node tools/judges/specmatic.ts [path to specmatic] [its arguments]
// Runs Specmatic's generative and resiliency tests on every operation. A relay in front of the
// server creates the data each request needs, such as a task to delete. docs/judges.md explains how
// the document is adapted.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startServerProcess } from '../server-process.ts'
import { adaptDocument } from './specmatic-document.ts'
import { createFixtures } from './specmatic-fixtures.ts'

const [specmatic = 'specmatic', ...args] = process.argv.slice(2)
const folder = await mkdtemp(join(tmpdir(), 'taskwire-specmatic-'))
const server = await startServerProcess({ DATA_DIR: join(folder, 'data'), RATE_LIMIT: 'off', LOG_LEVEL: 'info' })
const fixtures = await createFixtures(server.url)

const relay = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const { method = 'GET', url = '' } = request
  const incoming = { method, url, headers: request.headers, body: Buffer.concat(chunks).toString() }
  const { headers, ...prepared } = await fixtures.prepare(incoming)
  const hasBody = !['GET', 'HEAD'].includes(method) && prepared.body !== ''
  const answer = await fetch(`${server.url}${prepared.url}`, { method, headers, body: hasBody ? prepared.body : null })
  const body = Buffer.from(await answer.arrayBuffer())
  const { connection: _, 'transfer-encoding': __, ...sent } = Object.fromEntries(answer.headers)
  response.writeHead(answer.status, sent).end(body)
})
await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${(relay.address() as AddressInfo).port}`

const document = adaptDocument(JSON.parse(await readFile('openapi.json', 'utf8')))
const work = join(folder, 'work')
await mkdir(work)
await writeFile(join(work, 'openapi.json'), JSON.stringify(document, null, 2))
const configuration = {
  version: 2,
  contracts: [{ provides: ['openapi.json'] }],
  test: { resiliencyTests: { enable: 'all' }, maxTestRequestCombinations: 20 },
}
await writeFile(join(work, 'specmatic.json'), JSON.stringify(configuration))
const run = spawn(specmatic, ['test', `--testBaseURL=${url}/api/v1`, ...args], { cwd: work, stdio: 'inherit' })
const [code] = await once(run, 'exit')
relay.close()
relay.closeAllConnections()
await server.stop()
await rm(folder, { recursive: true, force: true })
process.exitCode = Number(code)
