import SchemaBuilder from '@pothos/core'
import ValidationPlugin from '@pothos/plugin-validation'
import {
  type CallerContext,
  type EventLog,
  RestPlugin,
  toValidationError,
  type Upload,
  uploadScalar,
} from '../../src/gateway/library/exports.ts'
import type { Notifications } from './notifications.ts'
import type { UpstreamOptions } from './weather.ts'

export interface ChatMessage {
  name: string
  text: string
}

/** What streams have done so far. */
export interface Progress {
  /** Open responses. */
  streams: number
  lines: number
  /** Bytes of uploads that were counted, and not kept. */
  bytes: number
}

export interface RelayContext extends CallerContext {
  upstream: UpstreamOptions
  chat: EventLog<ChatMessage & { kind: string }>
  notifications: Notifications
  progress: Progress
}

export const builder = new SchemaBuilder<{
  Context: RelayContext
  DefaultFieldNullability: false
  Scalars: { ID: { Input: string; Output: string }; Upload: { Input: Upload; Output: never } }
}>({
  defaultFieldNullability: false,
  plugins: [RestPlugin, ValidationPlugin],
  validation: { validationError: toValidationError },
})

builder.queryType({})
builder.mutationType({})
builder.subscriptionType({})
builder.addScalarType('Upload', uploadScalar)
