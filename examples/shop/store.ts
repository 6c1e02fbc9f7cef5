import { randomUUID } from 'node:crypto'
import { AppError, addErrorCodes, createEventLog } from '../../src/gateway/library/exports.ts'

export const codes = addErrorCodes({
  INSUFFICIENT_INVENTORY: { status: 409, title: 'Insufficient inventory' },
  GONE: { status: 410, title: 'Gone' },
})

export interface UserValues {
  email: string
  name: string
  age?: number | null
}
export interface User extends UserValues {
  id: string
  key: string
}

export interface ProductValues {
  name: string
  price: number
  inventory: number
}
export interface Product extends ProductValues {
  id: string
}

export interface Address {
  street: string
  city: string
  postcode: string
  country: string
}
export interface OrderItem {
  productId: string
  quantity: number
}
export interface OrderValues {
  userId: string
  items: OrderItem[]
  shippingAddress: Address
}
export interface Order extends Omit<OrderValues, 'items'> {
  id: string
  items: (OrderItem & { price: number })[]
  total: number
  placedAt: Date
}

export interface OrderEvent {
  type: string
  orderId: string
  userId: string
  total: number
}

interface Page {
  skip: number
  limit: number
}

/** The shop's data, in memory. Each method runs without a break, so each is a transaction. */
export class Shop {
  readonly #users = new Map<string, User>()
  readonly #products = new Map<string, Product>()
  readonly #removed = new Set<string>()
  readonly #orders = new Map<string, Order>()
  readonly events = createEventLog<OrderEvent>()

  createUser(values: UserValues): User {
    const user = { ...values, id: randomUUID(), key: `key-${randomUUID()}` }
    this.#requireUnusedEmail(user)
    this.#users.set(user.id, user)
    return user
  }

  replaceUser(id: string, values: UserValues): User {
    const { key } = this.user(id)
    const user = { ...values, id, key }
    this.#requireUnusedEmail(user)
    this.#users.set(id, user)
    return user
  }

  deleteUser(id: string): User {
    const user = this.user(id)
    this.#users.delete(id)
    return user
  }

  users = ({ skip, limit }: Page) => [...this.#users.values()].slice(skip, skip + limit)

  user(id: string): User {
    return this.#users.get(id) ?? missing('user', id)
  }

  userOfKey = (key: string) => [...this.#users.values()].find((user) => user.key === key)

  createProduct(values: ProductValues): Product {
    const product = { ...values, id: randomUUID() }
    this.#products.set(product.id, product)
    return product
  }

  /** Keeps the id, so that a bookmark is told that the product is gone. */
  removeProduct(id: string): Product {
    const product = this.product(id)
    this.#products.delete(id)
    this.#removed.add(id)
    return product
  }

  products = ({ skip, limit }: Page) => [...this.#products.values()].slice(skip, skip + limit)

  product(id: string): Product {
    if (this.#removed.has(id)) throw new AppError(codes.GONE, `Product ${id} is no longer sold.`, { path: ['id'] })
    return this.#products.get(id) ?? missing('product', id)
  }

  /** Places an order as a whole or not at all. */
  placeOrder({ items, ...values }: OrderValues): Order {
    const products = items.map(({ productId }) => this.#products.get(productId))
    if (!this.#users.has(values.userId) || products.includes(undefined))
      throw new AppError('BAD_REQUEST', 'Invalid User or Product', { path: ['input'] })
    const priced = items.map((item, index) => ({ ...item, price: products[index]?.price ?? 0 }))
    this.#takeFromInventory(items)
    const total = priced.reduce((sum, { price, quantity }) => sum + price * quantity, 0)
    const order = { ...values, items: priced, id: randomUUID(), total, placedAt: new Date() }
    this.#orders.set(order.id, order)
    this.events.append({ type: 'order.placed', orderId: order.id, userId: order.userId, total })
    return order
  }

  order(id: string): Order {
    return this.#orders.get(id) ?? missing('order', id)
  }

  stats() {
    const revenue = [...this.#orders.values()].reduce((sum, order) => sum + order.total, 0)
    return { users: this.#users.size, products: this.#products.size, orders: this.#orders.size, revenue }
  }

  #takeFromInventory(items: readonly OrderItem[]): void {
    const wanted = Map.groupBy(items, ({ productId }) => productId)
    for (const [id, same] of wanted) {
      const { name, inventory } = this.product(id)
      const quantity = sumOf(same)
      if (quantity <= inventory) continue
      const path = ['input', 'items', items.findIndex((item) => item.productId === id), 'quantity']
      throw new AppError(codes.INSUFFICIENT_INVENTORY, `Only ${inventory} of ${name} left, not ${quantity}.`, { path })
    }
    for (const [id, same] of wanted) this.product(id).inventory -= sumOf(same)
  }

  #requireUnusedEmail({ id, email }: User): void {
    const taken = [...this.#users.values()].some((user) => user.email === email && user.id !== id)
    if (taken) throw new AppError('CONFLICT', `The e-mail address ${email} is taken.`, { path: ['input', 'email'] })
  }
}

const sumOf = (items: readonly OrderItem[]) => items.reduce((sum, { quantity }) => sum + quantity, 0)

function missing(what: string, id: string): never {
  throw new AppError('NOT_FOUND', `There is no ${what} ${id}.`, { path: ['id'] })
}
