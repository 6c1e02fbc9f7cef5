import type { Gateway } from '../src/gateway/library/exports.ts'
import { createShop } from './shop/shop.ts'

/** Every example, for checks that all of them must pass. */
export const EXAMPLES: Readonly<Record<string, () => Promise<Gateway>>> = {
  shop: () => createShop({ adminKey: 'admin-key' }),
}
