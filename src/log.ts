import { isatty } from 'node:tty'
import pino, { type DestinationStream, type Logger, type LoggerOptions } from 'pino'

const STDOUT = 1

/** Lines about requests are written together: this many bytes, or those of this many milliseconds. */
const BUFFER_BYTES = 32_768
const MAX_WRITE_BYTES = 131_072
const FLUSH_MS = 200
/** Lines that are dropped, once this much waits for whoever reads the output. */
const MAX_UNREAD_BYTES = 8_388_608
const EXIT_TRIES = 10

export interface Logs {
  /** Writes each line without waiting for more. */
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
  const output = openOutput()
  const atOnce = {
    write(line: string) {
      output.write(line)
      output.flush()
    },
  }
  const log = pino(options, atOnce)
  let dropped = 0
  output.on('drop', () => dropped++)
  output.on('drain', () => {
    if (dropped > 0) log.warn({ dropped }, 'the output was not read fast enough: lines were dropped')
    dropped = 0
  })
  return { log, requests: pino(options, output) }
}

/**
 * Opens the standard output. Never waits for whoever reads it, except a second at exit: a log that
 * nobody reads must not stop the server.
 */
function openOutput() {
  let exiting = false
  let tries = 0
  const output = pino.destination({
    dest: STDOUT,
    sync: false,
    minLength: BUFFER_BYTES,
    maxWrite: MAX_WRITE_BYTES,
    maxLength: MAX_UNREAD_BYTES,
    periodicFlush: FLUSH_MS,
    // Asked when the output takes nothing, every 100 ms.
    retryEAGAIN: () => !exiting || tries++ < EXIT_TRIES,
  })
  process.on('exit', () => {
    exiting = true
    try {
      output.flushSync()
    } catch {
      // Nobody reads it, or it could not be opened yet.
    }
  })
  return output
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
