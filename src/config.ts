import { z } from 'zod'

/** How a variable is read: its rule, default and one line of help. `.env.example` and the README table are held against this. */
const variables = {
  PORT: z.coerce.number().int().min(0).max(65_535).default(4000).describe('Port to listen on; 0 picks a free one.'),
  HOST: z.string().min(1).default('127.0.0.1').describe('Address to listen on.'),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must start with postgres:// or postgresql://')
    .optional()
    .describe('PostgreSQL to use. Unset: the embedded database in DATA_DIR.'),
  DATABASE_POOL_SIZE: z.coerce.number().int().min(1).max(200).default(10).describe('Connections to PostgreSQL.'),
  DATA_DIR: z
    .string()
    .min(1)
    .default('./data')
    .describe('Folder of the embedded database; memory:// keeps nothing. One server a folder.'),
  JWT_SECRET: z
    .string()
    .min(32, 'must be 32 characters or more; make one with: openssl rand -base64 48')
    // Not a measure of strength: it catches the placeholder that was never replaced.
    .refine((secret) => new Set(secret).size >= 5, 'is too easy to guess; make one with: openssl rand -base64 48')
    .optional()
    .describe('Signs access tokens; 32 bytes or more. Made and kept in DATA_DIR when the database is embedded.'),
  ACCESS_TOKEN_TTL: z.coerce
    .number()
    .int()
    .min(1)
    .max(86_400)
    .default(900)
    .describe('Life of an access token, seconds.'),
  REFRESH_TOKEN_TTL: z.coerce
    .number()
    .int()
    .min(60)
    .max(31_536_000)
    .default(2_592_000)
    .describe('Life of an unused session, seconds.'),
  REGISTRATION: z
    .enum(['open', 'closed'])
    .default('open')
    .describe(
      'open or closed: whether anybody may register. Register the first account, the ADMIN, before closing it.',
    ),
  RATE_LIMIT: z
    .enum(['on', 'off'])
    .default('on')
    .describe('off lifts every rate limit and sign-in slow-down: for tests and benches.'),
  JWT_JWKS_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Published keys of an outside identity provider, whose tokens are then accepted.'),
  JWT_ISSUER: z.string().optional().describe('Its name: the `iss` of its tokens. Required with JWT_JWKS_URL.'),
  JWT_AUDIENCE: z.string().optional().describe('Our name there: the `aud` of its tokens. Required with JWT_JWKS_URL.'),
  TRUSTED_PROXIES: z.coerce
    .number()
    .int()
    .min(0)
    .max(10)
    .default(0)
    .describe(
      'Reverse proxies in front, each adding to X-Forwarded-For; limits then count the client’s address, not theirs.',
    ),
  CORS_ORIGINS: z
    .string()
    .default('')
    .transform((text) =>
      text
        .split(',')
        .map((origin) => origin.trim())
        .filter((origin) => origin !== ''),
    )
    .describe('Browser origins that may call, comma-separated; * for any. The own origin always may.'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('Least level logged.'),
  BODY_LIMIT: z.coerce
    .number()
    .int()
    .min(1024)
    .max(104_857_600)
    .default(1_048_576)
    .describe('Largest request body, bytes.'),
  BULK_BODY_LIMIT: z.coerce
    .number()
    .int()
    .min(1024)
    .max(1_073_741_824)
    .default(16_777_216)
    .describe('Largest body of a bulk operation over REST, bytes.'),
  TRASH_DAYS: z.coerce
    .number()
    .int()
    .min(1)
    .max(36_500)
    .default(30)
    .describe('How long deleted tasks stay in the trash, days; then they are gone for good.'),
  WS_MAX_SOCKETS_PER_USER: z.coerce
    .number()
    .int()
    .min(1)
    .default(50)
    .describe('Websockets and event streams a user may hold open.'),
  WS_MAX_OPERATIONS_PER_SOCKET: z.coerce
    .number()
    .int()
    .min(1)
    .default(100)
    .describe('Operations open at once on a websocket.'),
  EVENT_RETENTION_DAYS: z.coerce
    .number()
    .int()
    .min(1)
    .max(36_500)
    .default(30)
    .describe('How long events stay in the log, days: older cursors are expired.'),
  EVENT_QUEUE_SIZE: z.coerce
    .number()
    .int()
    .min(10)
    .default(1000)
    .describe('Events kept for a slow subscriber before its stream ends.'),
} as const

const schema = z.object(variables)

export type Config = Readonly<z.infer<typeof schema>>

/** Each variable's name with its default (as text, empty when unset) and help, in the order they are declared. */
export function describeVariables(): { name: string; fallback: string; help: string }[] {
  return Object.entries(variables).map(([name, rule]) => {
    const parsed = rule.safeParse(undefined)
    return { name, fallback: String(parsed.data ?? ''), help: rule.description ?? '' }
  })
}

/** Whether npm started this process: a shell stands between the two, and keeps npm's signals to itself. */
export function startedByNpm(environment: Record<string, string | undefined> = process.env): boolean {
  return environment.npm_lifecycle_event !== undefined
}

export class ConfigError extends Error {}

/**
 * Reads the configuration from environment variables. An empty variable counts as unset.
 * Throws a ConfigError that names every problem at once.
 */
export function readConfig(environment: Record<string, string | undefined> = process.env): Config {
  const given = Object.fromEntries(
    Object.keys(variables).flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])),
  )
  const result = schema.safeParse(given)
  const problems = result.success ? [] : result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
  if (given.DATABASE_URL && !given.JWT_SECRET) {
    problems.push('JWT_SECRET: is required with DATABASE_URL; make one with: openssl rand -base64 48')
  }
  for (const name of ['JWT_ISSUER', 'JWT_AUDIENCE']) {
    if (given.JWT_JWKS_URL && !given[name]) problems.push(`${name}: is required with JWT_JWKS_URL`)
  }
  if (!result.success || problems.length > 0) {
    throw new ConfigError(`The configuration is not usable:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
  }
  return Object.freeze(result.data)
}
