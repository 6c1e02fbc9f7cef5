import {
  createGateway,
  type GatewayLog,
  type GatewayRequest,
  unauthenticated,
} from '../../src/gateway/library/exports.ts'
import { builder, type ShopCaller } from './builder.ts'
import './users.ts'
import './products.ts'
import './orders.ts'
import { Shop } from './store.ts'

export interface ShopOptions {
  adminKey: string
  corsOrigins?: readonly string[]
  log?: GatewayLog
}

/** The fields that need a caller, as OpenAPI names them. */
const SECURITY: Readonly<Record<string, Record<string, string[]>>> = {
  profile: { apiKey: [] },
  stats: { adminKey: [] },
}

const schema = builder.toSchema({ sortSchema: false })

/** Creates a shop that does not listen yet. */
export async function createShop({ adminKey, ...options }: ShopOptions) {
  const shop = new Shop()

  function authenticate({ headers }: GatewayRequest): ShopCaller | null {
    const { 'x-admin-key': admin, 'x-api-key': key } = headers
    if (admin === adminKey) return { id: 'admin', isAdmin: true }
    if (admin !== undefined) throw unauthenticated('This admin key is wrong.')
    if (key === undefined) return null
    const user = shop.userOfKey(String(key))
    if (!user) throw unauthenticated('This API key is unknown.')
    return { id: user.id, isAdmin: false }
  }

  return createGateway({
    schema,
    authenticate,
    context: () => ({ shop }),
    info: {
      title: 'Shop',
      version: '1.0.0',
      description: 'Customers, products and orders. GraphQL at `/graphql` has the same operations.',
      contact: { name: 'The operator of this shop' },
      license: { name: 'MIT', identifier: 'MIT' },
      tags: { admin: 'For the owner of the shop.' },
      id: { format: 'uuid', minLength: 36, maxLength: 36 },
      securitySchemes: {
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'The key of a customer.' },
        adminKey: { type: 'apiKey', in: 'header', name: 'X-Admin-Key', description: 'The key of the owner.' },
      },
      security: ({ name }) => [SECURITY[name] ?? {}],
    },
    ...options,
  })
}
