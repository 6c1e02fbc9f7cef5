import { z } from 'zod'
import { AppError, cursorRule, type Logged } from '../../src/gateway/library/exports.ts'
import { builder } from './builder.ts'
import { OrderInput, uuid } from './input.ts'
import { type Address, codes, type Order, type OrderEvent } from './store.ts'

const AddressType = builder.objectRef<Address>('Address').implement({
  description: 'Where an order is sent.',
  fields: (t) => ({
    street: t.exposeString('street'),
    city: t.exposeString('city'),
    postcode: t.exposeString('postcode'),
    country: t.exposeString('country'),
  }),
})

const ItemType = builder.objectRef<Order['items'][number]>('OrderItem').implement({
  description: 'A product in an order, at the price it had.',
  fields: (t) => ({
    productId: t.exposeID('productId'),
    quantity: t.exposeInt('quantity'),
    price: t.exposeInt('price'),
  }),
})

const OrderType = builder.objectRef<Order>('Order').implement({
  description: 'An order.',
  fields: (t) => ({
    id: t.exposeID('id'),
    userId: t.exposeID('userId'),
    total: t.exposeInt('total', { description: 'In cents.' }),
    placedAt: t.expose('placedAt', { type: 'DateTime' }),
    items: t.expose('items', { type: [ItemType], restEmbed: true }),
    shippingAddress: t.expose('shippingAddress', { type: AddressType, restEmbed: true }),
  }),
})

const EventType = builder.objectRef<Logged<OrderEvent>>('OrderEvent').implement({
  description: 'Something that happened to an order.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', { description: 'Send it as `after` to resume after this event.' }),
    type: t.exposeString('type'),
    orderId: t.exposeID('orderId'),
    userId: t.exposeID('userId'),
    total: t.exposeInt('total'),
  }),
})

const StatsType = builder.objectRef<ReturnType<typeof statsOf>>('Stats').implement({
  description: 'Numbers for the owner of the shop.',
  fields: (t) => ({
    users: t.exposeInt('users'),
    products: t.exposeInt('products'),
    orders: t.exposeInt('orders'),
    revenue: t.exposeInt('revenue', { description: 'In cents.' }),
  }),
})

builder.mutationField('placeOrder', (t) =>
  t.field({
    type: OrderType,
    description: 'Place an order. It takes all of its items from the inventory, or none.',
    rest: { method: 'POST', path: '/orders', status: 201, body: 'input', location: ({ id }) => `/orders/${id}` },
    extensions: { errors: [codes.INSUFFICIENT_INVENTORY] },
    args: { input: t.arg({ type: OrderInput, required: true }) },
    resolve: (_root, { input }, { shop }) => shop.placeOrder(input),
  }),
)

builder.queryField('order', (t) =>
  t.field({
    type: OrderType,
    description: 'Read an order.',
    rest: { path: '/orders/{id}' },
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, { shop }) => shop.order(id),
  }),
)

builder.subscriptionField('orderEvents', (t) =>
  t.field({
    type: EventType,
    description: 'Orders as they are placed.',
    rest: { stream: true, path: '/orders/stream', id: 'cursor', event: 'type' },
    resume: 'after',
    validate: z.object({ userId: uuid.nullish(), after: cursorRule.nullish() }),
    extensions: { errors: ['CURSOR_EXPIRED'] },
    args: { userId: t.arg.id(), after: t.arg.string({ description: 'Continue after this cursor.' }) },
    subscribe: (_root, { userId, after }, { shop }) =>
      shop.events.follow({ after, accepts: (event) => !userId || event.userId === userId }),
    resolve: (event) => event,
  }),
)

builder.queryField('stats', (t) =>
  t.field({
    type: StatsType,
    description: 'Count and sum everything. Needs the key in X-Admin-Key.',
    rest: { path: '/admin/stats', tag: 'admin' },
    signedIn: true,
    extensions: { errors: ['FORBIDDEN'] },
    resolve: (_root, _args, ctx) => statsOf(ctx),
  }),
)

function statsOf({ caller, shop }: typeof builder.$inferSchemaTypes.Context) {
  if (!caller?.isAdmin) throw new AppError('FORBIDDEN', 'Only the admin key reads the statistics.')
  return shop.stats()
}
