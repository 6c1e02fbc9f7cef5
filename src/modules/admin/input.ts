import { z } from 'zod'
import { UserRole } from '../../generated/prisma/enums.ts'
import { email, line, notNull, password } from '../../schema/rules.ts'

const name = line(100).meta({ examples: ['Ada Lovelace'] })
const role = z.enum(UserRole)

export const createUserRules = z.object({ email, name, password, role: role.nullish() })

/** Absent fields stay unchanged. No field accepts null. */
export const updateUserRules = z.object({
  name: notNull(name),
  role: notNull(role),
  disabled: notNull(z.boolean()),
  password: notNull(password),
  revokeApiKeys: notNull(z.boolean()),
})

export type CreateUserValues = z.infer<typeof createUserRules>
export type UpdateUserValues = z.infer<typeof updateUserRules>
