import type { ApiScope } from '../../src/auth/scopes.ts'

interface Description {
  who: string
  /** Role in the project that the operations act on. */
  role?: 'VIEWER' | 'COMMENTER' | 'EDITOR' | 'OWNER'
  admin?: true
  /** The membership was removed. */
  removed?: true
  disabled?: true
  /** Credential sent with each request. Defaults to an access token. */
  credential?: 'none' | ApiScope
}

export const PERSONAS = {
  anon: { who: 'an anonymous caller', credential: 'none' },
  stra: { who: 'a signed-in user who is not a member' },
  view: { who: 'a VIEWER', role: 'VIEWER' },
  comm: { who: 'a COMMENTER', role: 'COMMENTER' },
  edit: { who: 'an EDITOR', role: 'EDITOR' },
  ownr: { who: 'an OWNER', role: 'OWNER' },
  admn: { who: 'an ADMIN of the instance who is not a member', admin: true },
  remo: { who: 'an EDITOR whose membership was removed', role: 'EDITOR', removed: true },
  disa: { who: 'an EDITOR whose account is disabled, with an unexpired token', role: 'EDITOR', disabled: true },
  't:r': { who: 'an OWNER’s API key with tasks:read', role: 'OWNER', credential: 'tasks:read' },
  't:w': { who: 'an OWNER’s API key with tasks:write', role: 'OWNER', credential: 'tasks:write' },
  'p:r': { who: 'an OWNER’s API key with projects:read', role: 'OWNER', credential: 'projects:read' },
  'p:w': { who: 'an OWNER’s API key with projects:write', role: 'OWNER', credential: 'projects:write' },
  adm: { who: 'an ADMIN’s API key with admin', admin: true, credential: 'admin' },
  'a:tr': {
    who: 'an ADMIN’s API key with only tasks:read, without admin rights',
    admin: true,
    credential: 'tasks:read',
  },
} as const satisfies Record<string, Description>

export type Persona = keyof typeof PERSONAS
export const personas = Object.keys(PERSONAS) as Persona[]
export const describePersona = (persona: Persona): Description => PERSONAS[persona]
