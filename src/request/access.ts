import type { ApiScope } from '../auth/scopes.ts'
import type { AppError, Issue } from '../gateway/errors.ts'
import type { ProjectRole } from '../generated/prisma/enums.ts'

/** Who may use a field. */
export type Access =
  /** Anyone, signed in or not. */
  | { public: true }
  /** A signed-in user. */
  | { signedIn: true }
  /** A signed-in user, or an API key with this scope. */
  | { scope: ApiScope }
  /** A signed-in user. Operations on the account itself do not accept API keys. */
  | { person: true }
  /** An ADMIN of the instance. An ADMIN's API key needs the scope `admin`. */
  | { admin: true }

/** What a role in a project was needed for. */
export interface Subject {
  projectId: string
  /** The task it was needed for, which may move to another project. */
  taskId?: string
  /** The NOT_FOUND of a viewer who does not see it. */
  absent: () => AppError
}

/** A role in a project that an operation needed, as it is stored. */
export interface ProjectGrant {
  projectId: string
  taskId?: string
  needed: ProjectRole
  absent: { message: string; path: Issue['path'] }
}

export interface StoredGrants {
  access: Access[]
  projects: ProjectGrant[]
}

/**
 * The rights that an operation has used. Recorded if its answer will be stored: the rights are
 * checked again before the answer is replayed.
 */
export class Grants {
  readonly #access = new Map<string, Access>()
  readonly #projects = new Map<string, ProjectGrant>()

  useAccess(access: Access): void {
    this.#access.set(JSON.stringify(access), access)
  }

  useRole(needed: ProjectRole, { projectId, taskId, absent }: Subject): void {
    const key = `${needed} ${taskId ?? projectId}`
    if (this.#projects.has(key)) return
    const { message, issues } = absent()
    const path = issues[0]?.path ?? []
    this.#projects.set(key, { projectId, ...(taskId && { taskId }), needed, absent: { message, path } })
  }

  /** Returns the grants as JSON. */
  get stored(): StoredGrants {
    return { access: [...this.#access.values()], projects: [...this.#projects.values()] }
  }
}
