import { tmpdir } from 'node:os'
import pino from 'pino'
import type { Gateway } from '../src/gateway/library/exports.ts'
import { createLibrary } from './library/library.ts'
import { createRelay } from './relay/relay.ts'
import { createShop } from './shop/shop.ts'

/** Every example, for checks that all of them must pass. */
export const EXAMPLES: Readonly<Record<string, () => Promise<Gateway>>> = {
  shop: () => createShop({ adminKey: 'admin-key' }),
  library: () => createLibrary({ folder: tmpdir(), token: 'librarian' }),
  relay: () =>
    createRelay({
      upstream: { url: 'http://127.0.0.1:4100', timeoutMs: 1_000, attempts: 1, pauseMs: 1 },
      deliver: async () => undefined,
      log: pino({ level: 'silent' }),
    }),
}
