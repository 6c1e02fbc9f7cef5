import { GENERATE } from './rules.ts'

/** Values as given in the environment. An empty variable is left out. */
export type GivenVariables = Readonly<Record<string, string | undefined>>

/** Returns the problems of variables that need others, as `NAME: problem`. */
export function missingVariables(given: GivenVariables): string[] {
  const problems: string[] = []
  if (given.DATABASE_URL && !given.JWT_SECRET) {
    problems.push(`JWT_SECRET: is required with DATABASE_URL; ${GENERATE}`)
  }
  if (given.DATABASE_DIRECT_URL && !given.DATABASE_URL) problems.push('DATABASE_DIRECT_URL: needs DATABASE_URL')
  if (given.OPERATIONS === 'trusted' && !given.TRUSTED_DOCUMENTS) {
    problems.push('TRUSTED_DOCUMENTS: is required with OPERATIONS=trusted')
  }
  if (given.SMTP_URL && !given.MAIL_FROM) problems.push('MAIL_FROM: is required with SMTP_URL')
  for (const name of ['JWT_ISSUER', 'JWT_AUDIENCE']) {
    if (given.JWT_JWKS_URL && !given[name]) problems.push(`${name}: is required with JWT_JWKS_URL`)
  }
  return problems
}
