/** The public interface of the package: `import … from 'taskwire/gateway'`. See docs/gateway.md. */
export {
  AppError,
  type AppErrorOptions,
  addErrorCodes,
  type ErrorCode,
  type Issue,
  unauthenticated,
  validationFailed,
} from '../errors.ts'
export type { GatewayContext, GatewayLog, GatewayRequest } from '../gateway-context.ts'
export { createAsset, serveAssets } from '../http/assets.ts'
export { type HttpExchange, type HttpHandler, readOnly } from '../http/exchange.ts'
export { createEventLog, cursorRule, type EventLog, type Followed, type Logged } from '../live/event-log.ts'
export type { LiveSource } from '../live/result-stream.ts'
export type { Content, RestNone, RestOperation, RestOptions, RestStream } from '../operation.ts'
export { default as RestPlugin } from '../pothos-plugin.ts'
export type { ExtraCall, ExtraRoute } from '../rest/extra.ts'
export { FormReader } from '../uploads/multipart.ts'
export { type IncomingFile, Upload, uploadScalar } from '../uploads/upload.ts'
export { toValidationError } from '../validation.ts'
export type { PlainSocketHandler } from '../websocket/plain.ts'
export type { Caller, CallerContext } from './contexts.ts'
export { createGateway, type Gateway, type GatewayOptions } from './gateway.ts'
export type { GatewayLimits } from './limits.ts'
export { type StoredAnswers, storeInMemory } from './stored-answers.ts'
