import pino, { type Logger } from 'pino'

/** JSON lines on standard output. Never the headers of a request: they carry credentials. */
export function createLog(level: string): Logger {
  return pino({ level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime })
}
