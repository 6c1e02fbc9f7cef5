import type { GraphQLSchema } from 'graphql'
import { REST_BASE } from './api.ts'
import { builder } from './builder.ts'
import { nameTwins } from './gateway/rest/twins.ts'
import './modules/admin/schema.ts'
import './modules/api-keys/schema.ts'
import './modules/auth/schema.ts'
import './modules/events/schema.ts'
import './modules/labels/schema.ts'
import './modules/members/schema.ts'
import './modules/projects/schema.ts'
import './modules/sessions/schema.ts'
import './modules/task-relations/schema.ts'
import './modules/tasks/bulk-schema.ts'
import './modules/tasks/schema.ts'
import './modules/users/schema.ts'

/** The schema every protocol is served from. */
export const schema: GraphQLSchema = nameTwins(builder.toSchema({ sortSchema: false }), REST_BASE)
