import { z } from 'zod'
import { line } from '../../rules.ts'
import { API_SCOPES } from './scopes.ts'

export const createApiKeyRules = z.object({
  name: line(100).meta({ examples: ['Nightly report'] }),
  scopes: z
    .array(z.enum(API_SCOPES, `must be one of ${API_SCOPES.join(', ')}`))
    .min(1, 'must name at least one scope')
    .max(API_SCOPES.length, 'names a scope twice')
    .transform((scopes) => [...new Set(scopes)]),
  expiresAt: z
    .date()
    .refine((date) => date.getTime() > Date.now(), 'must be in the future')
    .nullish(),
})
