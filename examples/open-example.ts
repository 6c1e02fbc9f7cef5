import { afterAll, beforeAll } from 'vitest'
import type { Gateway } from '../src/gateway/library/exports.ts'
import { holdTo } from '../test/support/observed-answers.ts'

/**
 * Opens a gateway for the tests of a file, on a free port. Every REST answer is compared with its
 * OpenAPI document.
 */
export function openExample(create: () => Promise<Gateway>): { url: string } {
  const opened = { url: '' }
  let gateway: Gateway | undefined
  beforeAll(async () => {
    gateway = await create()
    holdTo(gateway.server, await gateway.openApi())
    opened.url = await gateway.listen({ port: 0 })
  })
  afterAll(() => gateway?.close())
  return opened
}
