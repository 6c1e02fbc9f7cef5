import { expect, test } from 'vitest'
import { stopUnderLoad } from '../long/shutdown/round.ts'
import { testDatabase, urlSettings } from '../support/database.ts'
import { serverProcess } from '../support/process.ts'
import { signUp } from '../support/server.ts'

test('a server that stops under load resets no connection, and waits for no websocket', async () => {
  const { options, drop } = await testDatabase()
  const settings = {
    DATA_DIR: options.dataDir,
    JWT_SECRET: 'a secret for tests that is long enough',
    ...urlSettings(options),
  }
  const first = await serverProcess(settings)
  const { token } = await signUp(first)
  await first.kill('SIGTERM')
  const { served, after: _, ms: __, ...problems } = await stopUnderLoad(settings, token)
  // The server exits with 1 if it takes longer than ten seconds.
  expect(problems).toEqual({ resets: 0, unmarked: 0, code: 0 })
  expect(served).toBeGreaterThan(0)
  await drop()
})
