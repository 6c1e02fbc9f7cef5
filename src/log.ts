import { isatty } from 'node:tty'
import pino, { type DestinationStream, type Logger, type LoggerOptions } from 'pino'

const STDOUT = 1

/** Lines about requests are written together: this many bytes, or those of this many milliseconds. */
const BUFFER_BYTES = 4_096
const FLUSH_MS = 200

export interface Logs {
  /** Writes each line at once. */
  log: Logger
  /** For lines about requests, of which there are many. They are written in batches. */
  requests: Logger
}

/**
 * Creates the loggers, which write JSON lines to standard output, or readable ones if it is a
 * terminal. Never log request headers: they contain credentials.
 */
export async function createLogs(level: string): Promise<Logs> {
  const options = logOptions(level)
  if (isatty(STDOUT)) {
    const log = pino(options, await openTerminal())
    return { log, requests: log }
  }
  const output = pino.destination({ dest: STDOUT, sync: true, minLength: BUFFER_BYTES, periodicFlush: FLUSH_MS })
  process.on('exit', () => output.flushSync())
  const atOnce = {
    write(line: string) {
      output.write(line)
      output.flushSync()
    },
  }
  return { log: pino(options, atOnce), requests: pino(options, output) }
}

/** Returns what all loggers of the server have in common. */
export function logOptions(level: string): LoggerOptions {
  return { level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime, serializers: { err: describeError } }
}

/** Loaded for terminals only: services have no use for it. */
async function openTerminal(): Promise<DestinationStream> {
  const { default: pretty } = await import('pino-pretty')
  return pretty({ sync: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l', singleLine: true })
}

/**
 * Returns the parts of an error that are safe to log. Leaves out all other properties: a database
 * error contains the whole row that broke a constraint, password hash included. Prisma puts the
 * call and its values in front of the message, so only the last line of its messages is kept.
 */
export function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) }
  const { name, message, stack = '', cause } = error
  const { code } = error as { code?: unknown }
  const fromPrisma = name.startsWith('PrismaClient')
  return {
    type: name,
    message: fromPrisma ? message.split('\n').at(-1) : message,
    ...(typeof code === 'string' && { code }),
    stack: stack
      .split('\n')
      .filter((line) => line.startsWith('    at '))
      .join('\n'),
    ...(cause !== undefined && { cause: describeError(cause) }),
  }
}
