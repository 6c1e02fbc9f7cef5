import { afterAll, beforeEach, onTestFinished } from 'vitest'
import { observeAnswers, takeViolations } from './observed-answers.ts'

/** Before each test file: an answer that is not as it is described fails the test that it was given in. */

observeAnswers()

function requireNone(): void {
  const violations = takeViolations()
  if (violations.length === 0) return
  throw new Error(
    `Answers that are not as openapi.json (npm run contracts) describes them:\n${violations.slice(0, 10).join('\n')}`,
  )
}

// What is registered first is called last: after the test has closed what it opened.
beforeEach(() => onTestFinished(requireNone))
afterAll(requireNone)
