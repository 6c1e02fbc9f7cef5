import { AppError } from '../gateway/errors.ts'
export function toAppError(_error: unknown): AppError | undefined { return undefined }
