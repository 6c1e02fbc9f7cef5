import pino, { type Logger } from 'pino'

/**
 * Creates a logger that writes JSON lines to standard output. Never log request headers: they
 * contain credentials.
 */
export function createLog(level: string): Logger {
  return pino({ level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime, serializers: { err: describeError } })
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
