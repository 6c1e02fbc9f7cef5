import type { UserRole } from '../generated/prisma/enums.ts'
import type { ApiScope } from './scopes.ts'

/** The signed-in caller. */
export interface Viewer {
  id: string
  /** An ADMIN's API key without the scope `admin` acts as MEMBER. */
  role: UserRole
  /** The project of tasks created without one; null once that project is deleted. */
  inboxId: string | null
  /** The scopes of an API key; null for a person, who has all of them. */
  scopes: ReadonlySet<ApiScope> | null
  credential: Credential
}

/** The verified credential of a viewer. Times are milliseconds since the epoch. */
export type Credential =
  | { kind: 'session'; id: string; expiresAt: number }
  | { kind: 'apiKey'; id: string; expiresAt: number | null }
  | { kind: 'external'; expiresAt: number }
