/**
 * Limits the size of an answer while it is made. What it costs at most is checked before, but lists
 * can be much shorter than they may be, so those limits must be generous.
 */
import { AppError } from '../errors.ts'
import type { AnswerLimits } from '../operation.ts'
import type { Budget } from './field-plan.ts'

/**
 * A character has at most six bytes in JSON, as an escape. Until an answer has a sixth of what it
 * may have, its characters are counted, which costs nothing. The rest is measured.
 */
const MOST_BYTES = 6
/** Texts up to this length are not worth measuring. */
const SHORT = 32

export function createBudget(limits: AnswerLimits): Budget {
  const { objects, bytes } = limits
  return { limits, objects, bytes, measuredBelow: bytes - bytes / MOST_BYTES, exceeded: undefined }
}

/** Counts an object. Throws if it is one too many. */
export function spendObject(budget: Budget): void {
  if (--budget.objects < 0) throw exceed(budget)
}

/** Counts the bytes of a field or value. Throws if they are too many. */
export function spendBytes(budget: Budget, bytes: number): void {
  budget.bytes -= bytes
  if (budget.bytes < 0) throw exceed(budget)
}

/** Counts a serialized scalar. */
export function spendValue(budget: Budget, value: unknown): void {
  if (typeof value === 'string') {
    const isCounted = budget.bytes > budget.measuredBelow || value.length <= SHORT
    spendBytes(budget, isCounted ? value.length : sizeOf(value))
  } else if (typeof value === 'object') spendBytes(budget, sizeOf(value))
}

function sizeOf(value: unknown): number {
  const text = JSON.stringify(value) as string | undefined
  return text === undefined ? 0 : Buffer.byteLength(text)
}

function exceed(budget: Budget): AppError {
  const { objects, bytes } = budget.limits
  const found = budget.objects < 0 ? `over ${objects} objects` : `over ${bytes} bytes`
  const setting = budget.objects < 0 ? 'ANSWER_OBJECT_LIMIT' : 'ANSWER_LIMIT'
  budget.exceeded ??= new AppError(
    'QUERY_TOO_COMPLEX',
    `The answer is too large: it has ${found}, the limit (${setting}). Request fewer fields or shorter lists.`,
  )
  return budget.exceeded
}
