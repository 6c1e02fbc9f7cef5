import { builder } from '../../schema/builder.ts'
import { deleteMyAccount } from './deletion-service.ts'
import { CONFIRM_DELETION, deleteMyAccountRules } from './input.ts'

const DeleteMyAccountInput = builder.inputType('DeleteMyAccountInput', {
  validate: deleteMyAccountRules,
  fields: (t) => ({
    currentPassword: t.string({ description: 'Required, unless the account has no password.' }),
    confirm: t.string({
      description: `Required for an account of an identity provider, which has no password: exactly ${JSON.stringify(CONFIRM_DELETION)}.`,
    }),
  }),
})

builder.mutationField('deleteMyAccount', (t) =>
  t.boolean({
    description:
      'Delete your account, your Inbox and the projects that nobody else is a member of, for good. You leave all other projects. What you wrote there stays, by a “Deleted user”. Your sessions and open streams end. Refused for the last ADMIN, and while you are the only OWNER of a project with other members. Always returns true.',
    access: { person: true },
    handlesSecrets: true,
    extensions: { errors: ['CONFLICT', 'RATE_LIMITED'] },
    rest: { method: 'DELETE', path: '/me', status: 204, body: 'input' },
    args: { input: t.arg({ type: DeleteMyAccountInput, required: true }) },
    resolve: (_root, { input }, ctx) => deleteMyAccount(ctx, input),
  }),
)
