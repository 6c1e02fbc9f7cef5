import type { IncomingHttpHeaders } from 'node:http'
import {
  context,
  ProxyTracerProvider,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { type Observation, type Observer, runObserved } from './observation.ts'

const NAME = 'taskwire'
/** W3C Trace Context, version 00. */
const TRACEPARENT = /^00-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}$/

/**
 * Returns the tracer of the provider that the operator has registered, with `--import` for example;
 * undefined if there is none. Then nothing is traced, and tracing costs nothing.
 */
function tracer(): Tracer | undefined {
  const provider = trace.getTracerProvider()
  return provider instanceof ProxyTracerProvider ? provider.getDelegateTracer(NAME) : provider.getTracer(NAME)
}

/**
 * Runs the work of a request, which finds its observation with `observed`, in a span that continues
 * the trace in the headers of the request.
 */
export function runRequest<T>(observation: Observation, headers: IncomingHttpHeaders, work: () => T): T {
  const own = tracer()
  if (!own) {
    if (headers.traceparent) observation.traceId = TRACEPARENT.exec(String(headers.traceparent))?.[1]
    return runObserved(observation, work)
  }
  const outer = propagation.extract(context.active(), headers)
  const { protocol, method, path } = observation
  const span = own.startSpan(method ? `${method} ${protocol}` : protocol, { kind: SpanKind.SERVER }, outer)
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
  if ((status ?? 0) >= 500 || code === 'INTERNAL') span.setStatus({ code: SpanStatusCode.ERROR })
  span.end()
}

/** Runs work in a span of its own. */
export function traceWork<T>(name: string, work: () => Promise<T>): Promise<T> {
  const span = tracer()?.startSpan(name)
  return span ? workIn(span, work) : work()
}

async function workIn<T>(span: Span, work: () => Promise<T>): Promise<T> {
  try {
    return await context.with(trace.setSpan(context.active(), span), work)
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR })
    throw error
  } finally {
    span.end()
  }
}

/** Starts the span of a database statement. Returns what ends it. Values are not recorded. */
export function traceStatement(text: string): ((failed: boolean) => void) | undefined {
  const span = tracer()?.startSpan(text.split(/\s/, 1)[0] ?? 'statement', {
    kind: SpanKind.CLIENT,
    attributes: { 'db.system.name': 'postgresql', 'db.query.text': text.slice(0, LONGEST_TEXT) },
  })
  if (!span) return undefined
  return (failed) => {
    if (failed) span.setStatus({ code: SpanStatusCode.ERROR })
    span.end()
  }
}

/** Characters. */
const LONGEST_TEXT = 2_000
