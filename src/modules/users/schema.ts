import { builder } from '../../builder.ts'
import { UserRole } from '../../generated/prisma/enums.ts'
import { getMe } from './service.ts'

builder.enumType(UserRole, {
  name: 'UserRole',
  description: 'What a user may do on the whole instance: an ADMIN everything, a MEMBER what projects allow.',
})

export const UserType = builder.prismaObject('User', {
  description: 'A person or bot with an account.',
  fields: (t) => ({
    id: t.exposeID('id'),
    name: t.exposeString('name'),
    email: t.string({
      nullable: true,
      description: 'Shown to the user and to ADMINs; null for anybody else.',
      resolve: (user, _args, { viewer }) => (viewer?.id === user.id || viewer?.role === 'ADMIN' ? user.email : null),
    }),
    role: t.expose('role', { type: UserRole }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
    version: t.exposeInt('version', { description: 'Rises by one with each change.' }),
  }),
})

builder.queryField('me', (t) =>
  t.prismaField({
    type: 'User',
    description: 'The user who is signed in.',
    authScopes: { signedIn: true },
    rest: { method: 'GET', path: '/me' },
    resolve: (query, _root, _args, ctx) => getMe(ctx, query),
  }),
)
