import type { IncomingHttpHeaders } from 'node:http'
import type { Span, Tracer } from '@opentelemetry/api'
import { type Observation, type Observer, runObserved } from './observation.ts'

const NAME = 'taskwire'
/** W3C Trace Context, version 00. */
const TRACEPARENT = /^00-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}$/

/** Where every copy of the API of OpenTelemetry 1 keeps what is registered. */
const REGISTERED = Symbol.for('opentelemetry.js.api.1')

interface Tracing {
  api: typeof import('@opentelemetry/api')
  tracer: Tracer
}

let tracing: Tracing | undefined

/**
 * Uses the tracer provider that the operator has registered, with `node --import` for example.
 * Without one nothing is traced, and the API, which takes 8 MB, is not loaded.
 */
export async function loadTracing(): Promise<void> {
  if (!(REGISTERED in globalThis)) return
  const api = await import('@opentelemetry/api')
  tracing = { api, tracer: api.trace.getTracer(NAME) }
}

/** Traces nothing from now on. */
export function stopTracing(): void {
  tracing = undefined
}

/**
 * Runs the work of a request, which finds its observation with `observed`, in a span that continues
 * the trace in the headers of the request.
 */
export function runRequest<T>(observation: Observation, headers: IncomingHttpHeaders, work: () => T): T {
  if (!tracing) {
    if (headers.traceparent) observation.traceId = TRACEPARENT.exec(String(headers.traceparent))?.[1]
    return runObserved(observation, work)
  }
  const { context, propagation, trace, SpanKind } = tracing.api
  const outer = propagation.extract(context.active(), headers)
  const { protocol, method, path } = observation
  const span = tracing.tracer.startSpan(method ? `${method} ${protocol}` : protocol, { kind: SpanKind.SERVER }, outer)
  if (method !== undefined) span.setAttribute('http.request.method', method)
  if (path !== undefined) span.setAttribute('url.path', path)
  observation.traceId = span.spanContext().traceId
  observation.span = span
  return context.with(trace.setSpan(outer, span), () => runObserved(observation, work))
}

/** Reports a request that is over. */
export function endRequest(observation: Observation, observe: Observer): void {
  observation.end()
  if (observation.span) endSpan(observation.span, observation)
  observe(observation)
}

function endSpan(span: Span, { operation, protocol, status, code, requestId, cost }: Observation): void {
  if (operation !== undefined) {
    span.updateName(`${protocol} ${operation}`)
    span.setAttribute('graphql.operation.name', operation)
  }
  span.setAttributes({ 'taskwire.request_id': requestId, 'taskwire.protocol': protocol, 'taskwire.cost': cost })
  if (status !== undefined) span.setAttribute('http.response.status_code', status)
  if (code !== undefined) span.setAttribute('error.type', code)
  if ((status ?? 0) >= 500 || code === 'INTERNAL') span.setStatus(FAILED)
  span.end()
}

/** Runs work in a span of its own. */
export function traceWork<T>(name: string, work: () => Promise<T>): Promise<T> {
  return tracing ? workIn(tracing, name, work) : work()
}

async function workIn<T>({ api, tracer }: Tracing, name: string, work: () => Promise<T>): Promise<T> {
  const { context, trace } = api
  const span = tracer.startSpan(name)
  try {
    return await context.with(trace.setSpan(context.active(), span), work)
  } catch (error) {
    span.setStatus(FAILED)
    throw error
  } finally {
    span.end()
  }
}

/** Starts the span of a database statement. Returns what ends it. Values are not recorded. */
export function traceStatement(text: string): ((failed: boolean) => void) | undefined {
  if (!tracing) return undefined
  const span = tracing.tracer.startSpan(text.split(/\s/, 1)[0] ?? 'statement', {
    kind: tracing.api.SpanKind.CLIENT,
    attributes: { 'db.system.name': 'postgresql', 'db.query.text': text.slice(0, LONGEST_TEXT) },
  })
  return (failed) => {
    if (failed) span.setStatus(FAILED)
    span.end()
  }
}

/** `SpanStatusCode.ERROR`. */
const FAILED = { code: 2 }

/** Characters. */
const LONGEST_TEXT = 2_000
