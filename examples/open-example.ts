import { afterAll, beforeAll } from 'vitest'
import type { Gateway, GatewayLog } from '../src/gateway/library/exports.ts'
import { holdTo } from '../test/support/observed-answers.ts'

const ignore = () => undefined

/** A log that nobody reads. */
export const SILENT: GatewayLog = { debug: ignore, info: ignore, warn: ignore, error: ignore }

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
  afterAll(() => {
    // Otherwise it waits for requests on the connections that fetch keeps open.
    gateway?.server.closeAllConnections()
    return gateway?.close()
  })
  return opened
}
