/** The errors that peers return, with the codes and messages of Taskwire. */

const STATUS = { UNAUTHENTICATED: 401, FORBIDDEN: 403, NOT_FOUND: 404, VALIDATION_FAILED: 422 } as const

export class ApiError extends Error {
  readonly code: keyof typeof STATUS

  constructor(code: keyof typeof STATUS, message: string) {
    super(message)
    this.code = code
  }

  get status(): number {
    return STATUS[this.code]
  }
}

export const notFound = (noun: 'Task' | 'Project', id: string) =>
  new ApiError('NOT_FOUND', `${noun} ${JSON.stringify(id)} does not exist or you cannot see it.`)
