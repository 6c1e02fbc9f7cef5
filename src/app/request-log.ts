import type { Logger } from 'pino'
import type { Observation, Observer } from '../gateway/observation.ts'

/** Asked every few seconds by machines. Logged at the level debug. */
const PROBES = new Set(['/livez', '/readyz', '/health', '/metrics'])

/** Writes one line about each request and each operation on a websocket. */
export function logRequests(log: Logger): Observer {
  return (observation) => {
    const level = observation.path !== undefined && PROBES.has(observation.path) ? 'debug' : 'info'
    if (log.isLevelEnabled(level)) log[level](lineOf(observation), 'request')
  }
}

/** Longest name or path that is written, in characters. Clients choose them. */
const LONGEST = 200

/** Fields that are undefined are left out. */
function lineOf(observation: Observation): object {
  const { requestId, protocol, method, path, operation, operationName, status, code, viewer } = observation
  const { cost, statements, duration, traceId } = observation
  return {
    requestId,
    traceId,
    protocol,
    method,
    path: path?.slice(0, LONGEST),
    operation,
    operationName: operationName?.slice(0, LONGEST),
    status,
    code,
    ...viewer,
    ms: Math.round(duration * 10) / 10,
    cost,
    statements,
  }
}
