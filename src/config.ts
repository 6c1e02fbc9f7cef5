import { z } from 'zod'
import { misspeltVariables } from './settings/misspelt.ts'
import { missingVariables } from './settings/requirements.ts'
import {
  addresses,
  atLeast,
  directUrl,
  existingFile,
  hosts,
  integer,
  oneOf,
  onOff,
  origins,
  postgresUrl,
  secrets,
  sender,
  smtpUrl,
  webUrl,
} from './settings/rules.ts'

/**
 * Each variable's rule, default and one line of help. `.env.example` and docs/configuration.md are
 * printed from this.
 */
export const variables = {
  PORT: integer(0, 65_535, 4000).describe('Port to listen on. 0 picks a free port.'),
  HOST: z.string().min(1).default('127.0.0.1').describe('Address to listen on.'),
  DATABASE_URL: postgresUrl.describe(
    'PostgreSQL connection URL. When unset, the embedded database in DATA_DIR is used.',
  ),
  DATABASE_DIRECT_URL: directUrl.describe(
    'The same database without the pooler that DATABASE_URL leads to. Used for migrations and for news of other servers.',
  ),
  DATABASE_POOL_SIZE: integer(1, 200, 10).describe(
    'Maximum number of connections to PostgreSQL for requests. Four more serve the server itself.',
  ),
  DATABASE_QUEUE_LENGTH: atLeast(1, 1000).describe(
    'Maximum number of statements that wait for a connection to PostgreSQL. Further ones get 503.',
  ),
  DATABASE_QUEUE_TIMEOUT: integer(100, 60_000, 5_000).describe(
    'How long a statement may wait for a connection to PostgreSQL, in milliseconds.',
  ),
  DATABASE_LOCK_TIMEOUT: integer(100, 60_000, 5_000).describe(
    'How long a statement may wait for a lock in PostgreSQL, in milliseconds.',
  ),
  DATABASE_STATEMENT_TIMEOUT: integer(1_000, 3_600_000, 20_000).describe(
    'How long a statement may run in PostgreSQL, in milliseconds.',
  ),
  DATABASE_SILENCE_TIMEOUT: integer(300, 60_000, 1_500).describe(
    'How long PostgreSQL may answer nothing, in milliseconds, before its connections are replaced. Must exceed the time of a round trip.',
  ),
  DATA_DIR: z
    .string()
    .min(1)
    .default('./data')
    .describe(
      'Folder of the embedded database. memory:// discards all data on exit. Only one server can use a folder.',
    ),
  JWT_SECRET: secrets.describe(
    'Secret that signs access tokens, 32 characters or more. Of several, comma-separated, the first signs and all verify. Required with DATABASE_URL; otherwise generated and stored in DATA_DIR.',
  ),
  ACCESS_TOKEN_TTL: integer(1, 86_400, 900).describe('Lifetime of an access token, in seconds.'),
  REFRESH_TOKEN_TTL: integer(60, 31_536_000, 2_592_000).describe('Lifetime of an unused session, in seconds.'),
  REGISTRATION: oneOf('open', 'closed').describe(
    'open: anyone can register. closed: only an ADMIN creates accounts. Register the first account, the ADMIN, before you close it.',
  ),
  RATE_LIMIT: onOff.describe('off disables rate limits and the sign-in slow-down. For tests and benchmarks only.'),
  RATE_LIMIT_POINTS: integer(1, 1_000_000_000, 30_000_000).describe(
    'Points that each user and each API key may spend in a window. An operation costs its complexity.',
  ),
  RATE_LIMIT_ADDRESS_POINTS: integer(1, 1_000_000_000, 600_000).describe(
    'Points that requests without a credential may spend in a window, per client address.',
  ),
  RATE_LIMIT_WINDOW: integer(1, 3_600, 60).describe('Length of a window of the rate limits, in seconds.'),
  MAX_OPERATIONS_PER_USER: atLeast(1, 256).describe(
    'Maximum number of queries and mutations that run at a time, per user and API key.',
  ),
  JWT_JWKS_URL: webUrl.describe('JWKS URL of an external identity provider. When set, its tokens are accepted.'),
  JWT_ISSUER: z.string().optional().describe('Expected `iss` of the provider’s tokens. Required with JWT_JWKS_URL.'),
  JWT_AUDIENCE: z.string().optional().describe('Expected `aud` of the provider’s tokens. Required with JWT_JWKS_URL.'),
  JWT_JWKS_LIMIT: integer(1024, 104_857_600, 1_048_576).describe(
    'Maximum size of the provider’s keys, in bytes. Larger answers are not read to the end.',
  ),
  TRUSTED_PROXIES: integer(0, 10, 0).describe(
    'Number of reverse proxies in front that append to X-Forwarded-For. Rate limits then count the client’s address.',
  ),
  CORS_ORIGINS: origins.describe(
    'Browser origins allowed to call the API, comma-separated; * allows any. The server’s own origin is always allowed.',
  ),
  ALLOWED_HOSTS: hosts.describe(
    'Host names this server is reached under, comma-separated; *.example.org for all below it, * for any. IP addresses, localhost, HOST and the hosts of CORS_ORIGINS are always allowed. When unset, any name is allowed unless HOST is a loopback address.',
  ),
  COMPRESSION: onOff.describe(
    'off sends answers uncompressed, also to clients that accept compression. For proxies that compress.',
  ),
  OPERATIONS: oneOf('any', 'trusted').describe(
    'trusted: GraphQL runs only the documents in TRUSTED_DOCUMENTS, which clients name by their SHA-256.',
  ),
  TRUSTED_DOCUMENTS: existingFile.describe(
    'JSON file of GraphQL documents by their SHA-256 in hex. Required with OPERATIONS=trusted.',
  ),
  PERSISTED_QUERIES_LIMIT: integer(0, 1_073_741_824, 8_388_608).describe(
    'Memory for automatic persisted queries, in bytes. 0 turns them off.',
  ),
  LOG_LEVEL: oneOf('info', 'fatal', 'error', 'warn', 'debug', 'trace', 'silent').describe(
    'Lowest log level that is written.',
  ),
  METRICS: onOff.describe('off: there is no /metrics, and requests are not counted.'),
  METRICS_TOKEN: z
    .string()
    .min(16, 'must be 16 characters or more')
    .optional()
    .describe(
      'Bearer token that reads /metrics. When unset, only requests from this machine that no proxy has forwarded do.',
    ),
  BODY_LIMIT: integer(1024, 104_857_600, 1_048_576).describe('Maximum size of a request body, in bytes.'),
  BULK_BODY_LIMIT: integer(1024, 1_073_741_824, 16_777_216).describe(
    'Maximum body size of a bulk operation over REST, in bytes.',
  ),
  UPLOAD_LIMIT: integer(1_024, 2_147_483_647, 1_073_741_824).describe('Maximum size of an uploaded file, in bytes.'),
  UPLOAD_TIMEOUT: integer(1_000, 86_400_000, 3_600_000).describe(
    'How long a file may take to arrive, and an imported one to be read, in milliseconds. IDLE_TIMEOUT ends an upload on which nothing moves.',
  ),
  ATTACHMENTS_DIR: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Folder of attachments. When unset, the folder attachments in DATA_DIR. Several servers with one database must share it.',
    ),
  ATTACHMENTS_LIMIT: integer(0, Number.MAX_SAFE_INTEGER, 107_374_182_400).describe(
    'Maximum size of all attachments together, in bytes.',
  ),
  ATTACHMENTS_PROJECT_LIMIT: integer(0, Number.MAX_SAFE_INTEGER, 10_737_418_240).describe(
    'Maximum size of the attachments of a project together, in bytes.',
  ),
  IMPORT_LIMIT: integer(1024, 107_374_182_400, 268_435_456).describe(
    'Maximum size of an imported file over REST, in bytes. It is read while it arrives.',
  ),
  DOCUMENT_LIMIT: integer(1_024, 1_048_576, 65_536).describe('Maximum size of a GraphQL document, in bytes.'),
  ALIAS_LIMIT: integer(1, 5_000, 250).describe('Maximum number of aliases in a GraphQL document.'),
  ROOT_FIELD_LIMIT: integer(1, 1_000, 100).describe('Maximum number of queries or mutations in one GraphQL operation.'),
  COMPLEXITY_LIMIT: integer(1_000, 10_000_000, 200_000).describe(
    'Maximum cost of an operation: the fields of its answer, if each list is as long as it can be.',
  ),
  VALUE_LIMIT: integer(100, 1_000_000, 10_000).describe(
    'Maximum number of fields and list items in the variables or the body of an operation; ten times as many for a bulk operation.',
  ),
  ANSWER_OBJECT_LIMIT: integer(1_000, 10_000_000, 20_000).describe(
    'Maximum number of objects in an answer; ten times as many for a bulk operation.',
  ),
  ANSWER_LIMIT: integer(65_536, 100_000_000, 4_194_304).describe(
    'Maximum size of an answer, in bytes; ten times as much for a bulk operation.',
  ),
  INTROSPECTION: onOff.describe(
    'off refuses to show the GraphQL schema. GraphiQL then knows no types, and errors suggest no names.',
  ),
  HEADERS_TIMEOUT: integer(1_000, 600_000, 10_000).describe(
    'How long the headers of a request may take to arrive, in milliseconds. Also closes connections that send nothing.',
  ),
  BODY_TIMEOUT: integer(1_000, 3_600_000, 30_000).describe(
    'How long the body of a request may take to arrive, in milliseconds.',
  ),
  BULK_BODY_TIMEOUT: integer(1_000, 3_600_000, 300_000).describe(
    'How long the body of a bulk operation over REST may take to arrive, in milliseconds.',
  ),
  IDLE_TIMEOUT: integer(1_000, 3_600_000, 60_000).describe(
    'How long a connection stays open on which the client neither sends nor takes anything, in milliseconds. Streams are not limited.',
  ),
  KEEP_ALIVE_TIMEOUT: integer(1_000, 3_600_000, 75_000).describe(
    'How long a connection stays open after an answer, in milliseconds. Must exceed the idle timeout of a proxy in front, often 60 s.',
  ),
  PIPELINE_LIMIT: integer(1, 100, 4).describe(
    'Maximum number of requests of one connection that are handled at a time. Further ones wait.',
  ),
  REQUEST_TIMEOUT: integer(1_000, 3_600_000, 30_000).describe(
    'How long a request may run before it gets 503, in milliseconds. Streams are not limited.',
  ),
  TRASH_DAYS: integer(1, 36_500, 30).describe(
    'Days a deleted task stays in the trash before it is deleted permanently.',
  ),
  STREAM_SEARCH_LIMIT: atLeast(1, 100).describe(
    'Maximum number of different texts that the open streams of a user search for. Each is looked for in every event.',
  ),
  WS_MAX_SOCKETS_PER_USER: atLeast(1, 50).describe('Maximum number of open websockets and event streams per user.'),
  WS_MAX_OPERATIONS_PER_SOCKET: atLeast(1, 100).describe('Maximum number of concurrent operations on one websocket.'),
  WS_MAX_ANONYMOUS_SOCKETS: atLeast(0, 50).describe(
    'Maximum number of open websockets per client address on which nobody is signed in.',
  ),
  WS_MAX_ANONYMOUS_OPERATIONS: atLeast(1, 10).describe(
    'Maximum number of concurrent operations on a websocket on which nobody is signed in.',
  ),
  WS_MAX_PENDING_SOCKETS: atLeast(1, 1000).describe(
    'Maximum number of websockets per client address that have not yet sent their credential.',
  ),
  MAX_PROJECTS_PER_USER: atLeast(1, 1_000).describe('Maximum number of projects that a user owns, besides the Inbox.'),
  MAX_API_KEYS_PER_USER: atLeast(1, 100).describe('Maximum number of valid API keys per user.'),
  MAX_SESSIONS_PER_USER: atLeast(1, 100).describe(
    'Maximum number of open sessions per user. A further sign-in ends the session that was unused for longest.',
  ),
  MAX_LABELS_PER_PROJECT: atLeast(1, 1_000).describe('Maximum number of labels per project.'),
  MAX_MEMBERS_PER_PROJECT: atLeast(1, 5_000).describe('Maximum number of members per project.'),
  MAX_SAVED_FILTERS_PER_USER: atLeast(1, 1_000).describe('Maximum number of saved filters that a user owns.'),
  BACKGROUND_WORK: onOff.describe(
    'off: this server makes and sends no notifications. Another one on the same database has to; of several, one at a time does.',
  ),
  DUE_SOON_MINUTES: integer(1, 43_200, 1_440).describe(
    'How long before it is due people are told of a task, in minutes.',
  ),
  NOTIFICATION_DAYS: integer(1, 36_500, 90).describe('Days a notification is kept after it was read.'),
  SMTP_URL: smtpUrl.describe(
    'SMTP server that sends e-mails, as smtp://user:password@host:port or smtps://. When unset, none are sent.',
  ),
  MAIL_FROM: sender.describe('Sender of e-mails, as an address or as Name <address>. Required with SMTP_URL.'),
  OUTBOUND_ALLOW: addresses.describe(
    'Private addresses that requests to URLs of users may reach, comma-separated: IP addresses, ranges like 10.0.0.0/8, host names. Public ones are always allowed.',
  ),
  OUTBOUND_TIMEOUT: integer(100, 600_000, 10_000).describe(
    'How long a request to a URL of a user may take, in milliseconds.',
  ),
  DELIVERY_RETRY: integer(10, 3_600_000, 10_000).describe(
    'Wait before an e-mail or push message that failed is sent again, in milliseconds. It doubles each time, up to an hour; after three days it is given up.',
  ),
  AUDIT_RETENTION_DAYS: integer(1, 36_500, 365).describe('Days an entry stays in the audit log.'),
  EVENT_RETENTION_DAYS: integer(1, 36_500, 30).describe('Days an event stays in the log. Older cursors have expired.'),
  EVENT_QUEUE_SIZE: atLeast(10, 1000).describe('Events queued for a slow subscriber before its stream ends.'),
} as const

const schema = z.object(variables)

const NAMES = Object.keys(variables)

type Environment = Readonly<Record<string, string | undefined>>

export type Config = Readonly<z.infer<typeof schema>>

export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/**
 * Reads the configuration from environment variables. An empty variable counts as unset.
 * Throws a ConfigError that lists every problem.
 */
export function readConfig(environment: Environment = process.env): Config {
  const given = Object.fromEntries(NAMES.flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])))
  const result = schema.safeParse(given)
  const problems = [
    ...(result.success ? [] : result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)),
    ...missingVariables(given),
  ]
  if (!result.success || problems.length > 0) {
    const lines = [...problems, ...misspeltSettings(environment)]
    throw new ConfigError(`The configuration is invalid:\n${lines.map((line) => `  ${line}`).join('\n')}`)
  }
  return Object.freeze(result.data)
}

/** Returns a warning for each variable that looks like a misspelt setting. */
export function misspeltSettings(environment: Environment = process.env): string[] {
  return misspeltVariables(Object.keys(environment), NAMES)
}
