import { z } from 'zod'
import { builder } from './builder.ts'

/** The rules of the inputs. They are also the limits in openapi.json. */

const line = (max: number) => z.string().trim().min(1).max(max).meta({ minLength: 1, maxLength: max, pattern: '\\S' })
export const uuid = z.uuid().meta({ format: 'uuid', minLength: 36, maxLength: 36 })

const userRules = z.object({
  email: z
    .email()
    .max(254)
    .meta({ examples: ['ada@example.org'] }),
  name: line(100).meta({ examples: ['Ada Lovelace'] }),
  age: z.int().min(0).max(150).nullish(),
})

const productRules = z.object({
  name: line(100).meta({ examples: ['Teapot'] }),
  price: z
    .int()
    .min(0)
    .max(1_000_000)
    .meta({ examples: [2_500] }),
  inventory: z
    .int()
    .min(0)
    .max(1_000_000)
    .meta({ examples: [10] }),
})

const addressRules = z.object({
  street: line(200).meta({ examples: ['1 High Street'] }),
  city: line(100).meta({ examples: ['London'] }),
  postcode: line(20).meta({ examples: ['N1 1AA'] }),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/, 'must be a country code like GB')
    .meta({ minLength: 2, maxLength: 2, examples: ['GB'] }),
})

const itemRules = z.object({ productId: uuid, quantity: z.int().min(1).max(100) })

const orderRules = z.object({
  userId: uuid,
  items: z.array(itemRules).min(1, 'must have at least one item').max(50),
  shippingAddress: addressRules,
})

export const pageRules = z.object({ skip: z.int().min(0).max(100_000), limit: z.int().min(1).max(100) })

export const UserInput = builder.inputType('UserInput', {
  validate: userRules,
  fields: (t) => ({
    email: t.string({ required: true, description: 'Unique.' }),
    name: t.string({ required: true }),
    age: t.int(),
  }),
})

export const ProductInput = builder.inputType('ProductInput', {
  validate: productRules,
  fields: (t) => ({
    name: t.string({ required: true }),
    price: t.int({ required: true, description: 'In cents.' }),
    inventory: t.int({ required: true }),
  }),
})

const OrderItemInput = builder.inputType('OrderItemInput', {
  extensions: { rules: itemRules },
  fields: (t) => ({ productId: t.id({ required: true }), quantity: t.int({ required: true }) }),
})

const AddressInput = builder.inputType('AddressInput', {
  extensions: { rules: addressRules },
  fields: (t) => ({
    street: t.string({ required: true }),
    city: t.string({ required: true }),
    postcode: t.string({ required: true }),
    country: t.string({ required: true, description: 'ISO 3166-1 alpha-2.' }),
  }),
})

export const OrderInput = builder.inputType('OrderInput', {
  validate: orderRules,
  fields: (t) => ({
    userId: t.id({ required: true }),
    items: t.field({ type: [OrderItemInput], required: true }),
    shippingAddress: t.field({ type: AddressInput, required: true }),
  }),
})
