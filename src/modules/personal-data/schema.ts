import { builder } from '../../schema/builder.ts'
import { DownloadType } from '../../schema/download.ts'
import { deleteMyAccount } from './deletion-service.ts'
import { exportMyData } from './export-service.ts'
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

builder.queryField('exportMyData', (t) =>
  t.field({
    type: DownloadType,
    description:
      'Export what you own or wrote as a file: profile, sessions, API keys, saved filters, memberships, projects, tasks that you created or are assigned to, and comments. Nothing of projects that you left, and no secrets. One JSON object per line, with its `type`. Streamed, so it can have any length.',
    access: { person: true },
    rest: { method: 'GET', path: '/me/export', download: { types: ['application/x-ndjson'] } },
    resolve: (_root, _args, ctx) => exportMyData(ctx),
  }),
)
