import pino, { type Logger } from 'pino'

/** JSON lines on standard output. Never the headers of a request: they carry credentials. */
export function createLog(level: string): Logger {
  return pino({ level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime, serializers: { err: describeError } })
}

/**
 * What a log may hold of an error. Not its further properties: a database's error carries the whole row that broke a
 * rule, password hash included, and Prisma writes the call with its values before the message proper.
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
