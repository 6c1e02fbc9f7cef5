import { AppError } from '../../gateway/errors.ts'

export function userNotFound(id: string, path: string[] = ['id']): AppError {
  return new AppError('NOT_FOUND', `User ${JSON.stringify(id)} does not exist.`, { path })
}
