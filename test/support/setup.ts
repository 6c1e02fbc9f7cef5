import { afterAll, beforeEach, onTestFinished } from 'vitest'
import { observeAnswers, takeViolations } from './observed-answers.ts'

/** Runs before each test file. Fails tests with a response that openapi.json does not allow. */

observeAnswers()

function requireNone(): void {
  const violations = takeViolations()
  if (violations.length === 0) return
  throw new Error(
    `Responses do not match openapi.json (update it with npm run contracts):\n${violations.slice(0, 10).join('\n')}`,
  )
}

// The hook registered first runs last, after the test has closed what it opened.
beforeEach(() => onTestFinished(requireNone))
afterAll(requireNone)
