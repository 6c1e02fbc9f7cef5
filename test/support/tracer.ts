import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import {
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanOptions,
  trace,
} from '@opentelemetry/api'
import { onTestFinished } from 'vitest'
import { loadTracing, stopTracing } from '../../src/gateway/tracing.ts'

/** A span that has ended. */
export interface RecordedSpan {
  name: string
  traceId: string
  spanId: string
  parentId: string | undefined
  attributes: Record<string, unknown>
  isError: boolean
}

/**
 * Registers a tracer provider, context manager and propagator, as the SDK of OpenTelemetry does.
 * Returns the spans that end. Unregistered at the end of the test.
 */
export async function recordSpans(): Promise<RecordedSpan[]> {
  const ended: RecordedSpan[] = []
  const contexts = new AsyncLocalStorage<Context>()
  const active = () => contexts.getStore() ?? ROOT_CONTEXT
  context.setGlobalContextManager({
    active,
    with: (one, work, self, ...args) => contexts.run(one, () => work.apply(self, args)),
    bind: (_one, target) => target,
    enable() {
      return this
    },
    disable() {
      return this
    },
  })
  propagation.setGlobalPropagator({
    inject: () => undefined,
    extract(outer, headers: Record<string, string>) {
      const [, traceId = '', spanId = ''] = headers.traceparent?.split('-') ?? []
      return traceId ? trace.setSpanContext(outer, { traceId, spanId, traceFlags: 1, isRemote: true }) : outer
    },
    fields: () => ['traceparent'],
  })
  const startSpan = (name: string, options: SpanOptions = {}, outer = active()) =>
    createSpan(name, options, trace.getSpanContext(outer), ended)
  trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan, startActiveSpan: () => undefined as never }) })
  await loadTracing()
  onTestFinished(() => {
    stopTracing()
    trace.disable()
    context.disable()
    propagation.disable()
  })
  return ended
}

function createSpan(
  name: string,
  options: SpanOptions,
  parent: { traceId: string; spanId: string } | undefined,
  ended: RecordedSpan[],
): Span {
  const spanId = randomBytes(8).toString('hex')
  const traceId = parent?.traceId ?? randomBytes(16).toString('hex')
  const recorded: RecordedSpan = {
    name,
    traceId,
    spanId,
    parentId: parent?.spanId,
    attributes: { ...options.attributes },
    isError: false,
  }
  const span = {
    spanContext: () => ({ traceId, spanId, traceFlags: 1 }),
    setAttribute(key: string, value: unknown) {
      recorded.attributes[key] = value
      return span
    },
    setAttributes(values: object) {
      Object.assign(recorded.attributes, values)
      return span
    },
    setStatus({ code }: { code: number }) {
      recorded.isError = code === 2
      return span
    },
    updateName(other: string) {
      recorded.name = other
      return span
    },
    end: () => void ended.push(recorded),
  }
  return span as unknown as Span
}
