import { createSignInGuard } from '../auth/attempts.ts'
import { createAuthenticate } from '../auth/authenticate.ts'
import { createCredentialWatch } from '../auth/credential-watch.ts'
import type { ExternalTokens } from '../auth/external-tokens.ts'
import { loadOrCreateSecret } from '../auth/secret.ts'
import { createAccessTokens } from '../auth/tokens.ts'
import { createViewerCache } from '../auth/viewer-cache.ts'
import type { Config } from '../config.ts'
import type { DatabaseHandle } from '../database/client.ts'
import { createHub } from '../events/hub.ts'
import { purgeLog } from '../events/log.ts'
import { createTail } from '../events/tail.ts'
import type { GatewayLog } from '../gateway/gateway-context.ts'
import { removeDeletedFiles, tidyAttachments } from '../modules/attachments/housekeeping.ts'
import { purgeAudit } from '../modules/audit/service.ts'
import { createSearchLimit } from '../modules/event-feed/search-limit.ts'
import { purgeNotifications } from '../modules/notifications/service.ts'
import { createAccessTracker } from '../modules/projects/access.ts'
import { purgeSessions } from '../modules/sessions/service.ts'
import { purgeTrash } from '../modules/tasks/trash.ts'
import { createAddressRule } from '../outbound/addresses.ts'
import { createOutboundHttp } from '../outbound/http.ts'
import type { Services } from '../request/context.ts'
import { createBackground } from './background.ts'
import { startHousekeeping } from './housekeeping.ts'
import { purgeStoredAnswers } from './idempotency.ts'
import { startNotifications } from './notifications.ts'
import { openFiles } from './open-files.ts'
import { createCountStore, createRateLimits, purgeCounts } from './rate-limits.ts'

export interface OpenServices {
  services: Services
  database: DatabaseHandle
  /** Counts what currently follows the event log. */
  openCounts(): Record<'streams' | 'topics' | 'viewers' | 'credentials', number>
  /** Ends all streams. Call `close` for the rest once no request is running. */
  endStreams(): void
  close(): Promise<void>
}

export interface StartOptions {
  /** How long the first clean-up waits, so that the server starts and answers first. */
  housekeepingDelayMs?: number
}

/** Creates the long-lived services on an open database. Closes the database on failure. */
export async function openServices(
  config: Config,
  log: GatewayLog,
  database: DatabaseHandle,
  { housekeepingDelayMs = 0 }: StartOptions,
): Promise<OpenServices> {
  try {
    const { db, reserved } = database
    const tokens = createAccessTokens({ secrets: await secretsOf(config), lifetime: config.ACCESS_TOKEN_TTL })
    const tail = await createTail(database, { log })
    const hub = createHub(tail, db, { maxQueue: config.EVENT_QUEUE_SIZE })
    const outbound = createOutboundHttp({
      addresses: createAddressRule(config.OUTBOUND_ALLOW),
      timeoutMs: config.OUTBOUND_TIMEOUT,
      maxBytes: MAX_OUTBOUND_ANSWER,
    })
    const limited = config.RATE_LIMIT === 'on'
    const counts = database.embedded ? undefined : createCountStore(db)
    const rates = limited ? createRateLimits(config, counts, log) : undefined
    const { files, close: closeFiles } = await openFiles(config, db)
    const background = createBackground(log)
    const services: Services = {
      config,
      files,
      db,
      tokens,
      guard: createSignInGuard({ enabled: limited }),
      rates,
      tail,
      hub,
      access: createAccessTracker(db, tail),
      searchLimit: createSearchLimit(config.STREAM_SEARCH_LIMIT),
      credentialWatch: createCredentialWatch(tail),
      authenticate: createAuthenticate({
        db: reserved,
        tokens,
        external: await externalTokens(config, log),
        viewers: createViewerCache(tail),
      }),
      outbound,
      background,
      log,
    }
    const filesRemoved = removeDeletedFiles(tail, files, log)
    const work = await startNotifications(config, { database, tail, log, outbound })
    const housekeeping = startHousekeeping(
      [
        { name: 'trash', run: (signal) => purgeTrash(db, config.TRASH_DAYS, signal).finally(() => tail.wake()) },
        { name: 'idempotency records', run: () => purgeStoredAnswers(db) },
        { name: 'attachments', run: (signal) => tidyAttachments({ db, files, log, signal }) },
        { name: 'events', run: (signal) => purgeLog(db, daysAgo(config.EVENT_RETENTION_DAYS), signal) },
        { name: 'sessions', run: () => purgeSessions(db) },
        { name: 'rate counts', run: () => purgeCounts(db) },
        {
          name: 'audit log',
          run: (signal) => purgeAudit(db, daysAgo(config.AUDIT_RETENTION_DAYS), signal),
        },
        {
          name: 'notifications',
          run: (signal) => purgeNotifications(db, daysAgo(config.NOTIFICATION_DAYS), signal),
        },
      ],
      log,
      { delayMs: housekeepingDelayMs },
    )
    return {
      services,
      database,
      openCounts: () => ({
        streams: hub.size,
        topics: hub.topics,
        viewers: services.access.size,
        credentials: services.credentialWatch.size,
      }),
      endStreams: () => hub.close(),
      async close() {
        await Promise.all([housekeeping.close(), rates?.close(), work.close(), background.close()])
        await tail.close()
        await filesRemoved()
        await closeFiles()
        await database.close()
      },
    }
  } catch (error) {
    await database.close()
    throw error
  }
}

/** No answer to a push message is longer. It is not used. */
const MAX_OUTBOUND_ANSWER = 65_536

const DAY_MS = 86_400_000
const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS)

async function secretsOf({ JWT_SECRET, DATA_DIR }: Config): Promise<readonly string[]> {
  return JWT_SECRET ?? [await loadOrCreateSecret(DATA_DIR === 'memory://' ? undefined : DATA_DIR)]
}

async function externalTokens(
  { JWT_JWKS_URL, JWT_ISSUER, JWT_AUDIENCE, JWT_JWKS_LIMIT }: Config,
  log: GatewayLog,
): Promise<ExternalTokens | undefined> {
  if (!JWT_JWKS_URL || !JWT_ISSUER || !JWT_AUDIENCE) return undefined
  // Most servers have no identity provider, and do not need jose.
  const { createExternalTokens } = await import('../auth/external-tokens.ts')
  const options = {
    jwksUrl: JWT_JWKS_URL,
    issuer: JWT_ISSUER,
    audience: JWT_AUDIENCE,
    jwksLimit: JWT_JWKS_LIMIT,
  }
  return createExternalTokens(options, (error) =>
    log.warn({ err: error }, 'cannot fetch the keys of the identity provider'),
  )
}
