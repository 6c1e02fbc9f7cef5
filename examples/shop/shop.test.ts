import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { eventStream, graphql, type RestOptions, rest, subscribe, websocketClient } from '../../test/support/clients.ts'
import { openExample } from '../open-example.ts'
import { createShop } from './shop.ts'

const server = openExample(() => createShop({ adminKey: 'the admin key', corsOrigins: ['https://shop.example'] }))

const call = (request: string, options: RestOptions = {}) => rest(server, request, options)
const create = async (what: string, body: object) => (await call(`POST ${what}`, { body })).body
const createUser = () => create('/users', { email: `${randomUUID()}@example.org`, name: 'Ada' })
const createProduct = (inventory: number) => create('/products', { name: 'Teapot', price: 2_500, inventory })
const ADDRESS = { street: '1 High Street', city: 'London', postcode: 'N1 1AA', country: 'GB' }
const order = (userId: string, ...items: object[]) =>
  call('POST /orders', { body: { userId, items, shippingAddress: ADDRESS } })

describe('users', () => {
  test('are created, read, replaced and deleted', async () => {
    const email = `${randomUUID()}@example.org`
    const created = await call('POST /users', { body: { email, name: 'Ada', age: 36 } })
    const { id } = created.body
    expect(id).toMatch(/^[\da-f-]{36}$/)
    expect(created.headers.get('location')).toBe(`/api/v1/users/${id}`)
    expect((await call(`PUT /users/${id}`, { body: { email, name: 'Countess' } })).body).toEqual({
      id,
      email,
      name: 'Countess',
      age: null,
    })
    expect((await call(`DELETE /users/${id}`)).status).toBe(204)
    expect((await call(`GET /users/${id}`)).status).toBe(404)
    expect((await call('GET /users/7')).body).toMatchObject({ code: 'NOT_FOUND', errors: [{ path: ['path', 'id'] }] })
  })

  test('have an e-mail address of their own', async () => {
    const [first, second] = [await createUser(), await createUser()]
    for (const request of ['POST /users', `PUT /users/${second.id}`]) {
      const refused = await call(request, { body: { email: first.email, name: 'Eve' } })
      expect({ status: refused.status, errors: refused.body.errors }).toMatchObject({
        status: 409,
        errors: [{ path: ['body', 'email'] }],
      })
    }
  })

  test('are listed with skip and limit', async () => {
    const ids = [await createUser(), await createUser(), await createUser()].map(({ id }) => id)
    const all = (await call('GET /users?limit=100')).body.map(({ id }: { id: string }) => id)
    const start = all.indexOf(ids[0])
    expect((await call(`GET /users?skip=${start + 1}&limit=2&fields=id`)).body).toEqual([
      { id: ids[1] },
      { id: ids[2] },
    ])
    const refused = await call('GET /users?skip=-1&limit=101')
    expect(refused.body.errors.map(({ path }: { path: string[] }) => path.join('.'))).toEqual([
      'query.skip',
      'query.limit',
    ])
  })

  test('sign in with their key, and only the admin reads the statistics', async () => {
    const user = await createUser()
    const { key } = await create(`/users/${user.id}/keys`, {})
    expect((await call('GET /profile', { headers: { 'x-api-key': key } })).body).toEqual(user)
    expect((await call('GET /profile')).status).toBe(401)
    expect((await call('GET /admin/stats', { headers: { 'x-admin-key': 'guess' } })).status).toBe(401)
    expect((await call('GET /admin/stats', { headers: { 'x-api-key': key } })).status).toBe(403)
    const stats = await call('GET /admin/stats', { headers: { 'x-admin-key': 'the admin key' } })
    expect(Object.keys(stats.body)).toEqual(['users', 'products', 'orders', 'revenue'])
  })
})

describe('orders', () => {
  test('contain items and an address, and take from the inventory', async () => {
    const [{ id: userId }, { id: productId }] = [await createUser(), await createProduct(5)]
    const placed = await order(userId, { productId, quantity: 2 })
    expect(placed.body, placed.text).toMatchObject({
      userId,
      total: 5_000,
      items: [{ productId, quantity: 2, price: 2_500 }],
      shippingAddress: ADDRESS,
    })
    expect((await call(`GET /orders/${placed.body.id}`)).body).toEqual(placed.body)
    expect((await call(`GET /products/${productId}`)).body.inventory).toBe(3)
  })

  test('report every invalid field at its place', async () => {
    const { status, body } = await call('POST /orders', {
      body: { userId: 'x', items: [{ productId: 'y', quantity: 0 }], shippingAddress: { ...ADDRESS, country: 'gb' } },
    })
    expect({ status, paths: body.errors.map(({ path }: { path: string[] }) => path.join('.')) }).toEqual({
      status: 422,
      paths: ['body.userId', 'body.items.0.productId', 'body.items.0.quantity', 'body.shippingAddress.country'],
    })
  })

  test('need a user and products that exist', async () => {
    const [{ id: userId }, { id: productId }] = [await createUser(), await createProduct(5)]
    for (const refused of [
      await order(randomUUID(), { productId, quantity: 1 }),
      await order(userId, { productId, quantity: 1 }, { productId: randomUUID(), quantity: 1 }),
    ])
      expect({ status: refused.status, detail: refused.body.detail }).toEqual({
        status: 400,
        detail: 'Invalid User or Product',
      })
    expect((await call(`GET /products/${productId}`)).body.inventory).toBe(5)
  })

  test('never sell more than there is: 100 parallel orders for 40 pieces', async () => {
    const [{ id: userId }, scarce, plenty] = [await createUser(), await createProduct(40), await createProduct(1_000)]
    const answers = await Promise.all(
      Array.from({ length: 100 }, () =>
        order(userId, { productId: plenty.id, quantity: 1 }, { productId: scarce.id, quantity: 1 }),
      ),
    )
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(40)
    const refused = answers.filter(({ status }) => status === 409)
    expect(refused).toHaveLength(60)
    expect(refused[0]?.body).toMatchObject({
      code: 'INSUFFICIENT_INVENTORY',
      title: 'Insufficient inventory',
      errors: [{ path: ['body', 'items', 1, 'quantity'] }],
    })
    expect((await call(`GET /products/${scarce.id}`)).body.inventory).toBe(0)
    expect((await call(`GET /products/${plenty.id}`)).body.inventory).toBe(960)
  })

  test('are placed once if the request is repeated with its Idempotency-Key', async () => {
    const [{ id: userId }, { id: productId }] = [await createUser(), await createProduct(5)]
    const body = { userId, items: [{ productId, quantity: 1 }], shippingAddress: ADDRESS }
    const headers = { 'idempotency-key': randomUUID() }
    const first = await call('POST /orders', { body, headers })
    const again = await call('POST /orders', { body, headers })
    expect(again.body).toEqual(first.body)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    const other = await call('POST /orders', { body: { ...body, items: [{ productId, quantity: 2 }] }, headers })
    expect(other.body.code).toBe('IDEMPOTENCY_KEY_REUSED')
    expect((await call(`GET /products/${productId}`)).body.inventory).toBe(4)
  })
})

test('a product that is no longer sold is gone', async () => {
  const { id } = await createProduct(1)
  expect((await call(`DELETE /products/${id}`)).status).toBe(204)
  const gone = await call(`GET /products/${id}`)
  expect({ status: gone.status, code: gone.body.code }).toEqual({ status: 410, code: 'GONE' })
  expect((await graphql(server, `{ product(id: "${id}") { id } }`)).errors?.[0]?.extensions.code).toBe('GONE')
})

test('orders are followed as they are placed, and a stream resumes where it was cut', async () => {
  const [{ id: userId }, { id: productId }] = [await createUser(), await createProduct(10)]
  const place = async () => (await order(userId, { productId, quantity: 1 })).body.id
  const stream = await eventStream(server, `/orders/stream?userId=${userId}`)
  const client = websocketClient(server)
  const query = 'subscription ($userId: ID) { orderEvents(userId: $userId) { orderId cursor } }'
  const live = subscribe(client, query, { userId })
  const { connected } = await new Promise<{ connected: true }>((resolve) =>
    client.on('connected', () => resolve({ connected: true })),
  )
  expect(connected).toBe(true)
  // Its messages are handled in order: what is answered now came after the subscription.
  for (let turn = 0; turn < 2; turn++) await subscribe(client, '{ __typename }').inbox.next()
  const first = await place()
  const event = await stream.inbox.next()
  expect(event).toMatchObject({ event: 'order.placed', data: { orderId: first, userId, total: 2_500 } })
  expect((await live.inbox.next()).data.orderEvents).toEqual({ orderId: first, cursor: event.id })
  stream.cut()
  const [second, third] = [await place(), await place()]
  const headers = { 'last-event-id': event.id ?? '' }
  const resumed = await eventStream(server, `/orders/stream?userId=${userId}`, { headers })
  expect((await resumed.inbox.next()).data.orderId).toBe(second)
  expect((await resumed.inbox.next()).data.orderId).toBe(third)
  const lost = await eventStream(server, '/orders/stream?after=AAAAAAAA.1')
  expect(lost.response.status).toBe(410)
})

test('GraphQL runs the same operations', async () => {
  const mutation = 'mutation ($input: UserInput!) { createUser(input: $input) { id email } }'
  const { data } = await graphql(server, mutation, { input: { email: `${randomUUID()}@example.org`, name: 'Bob' } })
  expect((await call(`GET /users/${data.createUser.id}?fields=id,email`)).body).toEqual(data.createUser)
  const invalid = await graphql(server, mutation, { input: { email: 'x', name: '' } })
  expect(invalid.errors?.[0]?.extensions.issues?.map(({ path }) => path.join('.'))).toEqual([
    'input.email',
    'input.name',
  ])
})

test('answers say how long they took, and pages of an allowed origin may read them', async () => {
  const answer = await call('GET /products', { headers: { origin: 'https://shop.example' } })
  expect(answer.headers.get('server-timing')).toMatch(/^total;dur=[\d.]+$/)
  expect(answer.headers.get('access-control-allow-origin')).toBe('https://shop.example')
  const foreign = await call('GET /products', { headers: { origin: 'https://evil.example' } })
  expect(foreign.headers.get('access-control-allow-origin')).toBeNull()
})
