import { z } from 'zod'
import { API_SCOPES } from '../../auth/scopes.ts'
import { line } from '../../schema/rules.ts'

export const createApiKeyRules = z.object({
  name: line(100).meta({ examples: ['Nightly report'] }),
  scopes: z
    .array(z.enum(API_SCOPES, `must be one of ${API_SCOPES.join(', ')}`))
    .min(1, 'must name at least one scope')
    .max(API_SCOPES.length, 'must not repeat a scope')
    .transform((scopes) => [...new Set(scopes)]),
  expiresAt: z
    .date()
    .refine((date) => date.getTime() > Date.now(), 'must be in the future')
    .nullish(),
})
