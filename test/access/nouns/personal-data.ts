import { invalid } from '../invalid.ts'
import type { Noun } from '../noun.ts'
import { PASSWORD } from '../password.ts'

export const noun: Noun = {
  // An OWNER is the only one of a project with other members.
  matrix: `
                                               anon  stra view comm edit ownr admn remo  disa  t:r t:w p:r p:w adm a:tr
Query.exportMyData                             401   ok   ok   ok   ok   ok   ok   ok    401   403 403 403 403 403 403
Mutation.deleteMyAccount                       401   ok   ok   ok   ok   409  ok   ok    401   403 403 403 403 403 403
`,

  recipes: {
    'Query.exportMyData': {},
    'Mutation.deleteMyAccount': { variables: () => ({ input: { currentPassword: PASSWORD } }) },
  },

  probes: {},

  invalid: {
    'Mutation.deleteMyAccount': [
      invalid({ input: { currentPassword: 5, password: 'x' } }, 'currentPassword password'),
      invalid({ input: { confirm: 'yes' } }, 'confirm'),
      invalid({ input: { confirm: 'delete my account' } }, 'currentPassword'),
      invalid({ input: { currentPassword: 'a wrong one' } }, 'currentPassword', 'FORBIDDEN'),
    ],
  },
}
