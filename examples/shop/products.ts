import { z } from 'zod'
import { builder } from './builder.ts'
import { ProductInput, pageRules } from './input.ts'
import { codes, type Product } from './store.ts'

const ProductType = builder.objectRef<Product>('Product').implement({
  description: 'Something the shop sells.',
  fields: (t) => ({
    id: t.exposeID('id'),
    name: t.exposeString('name'),
    price: t.exposeInt('price', { description: 'In cents.' }),
    inventory: t.exposeInt('inventory', { description: 'Pieces left.' }),
  }),
})

builder.queryField('products', (t) =>
  t.field({
    type: [ProductType],
    description: 'List products, oldest first.',
    rest: { path: '/products' },
    validate: pageRules,
    extensions: { rules: z.array(z.unknown()).max(100) },
    args: {
      skip: t.arg.int({ required: true, defaultValue: 0 }),
      limit: t.arg.int({ required: true, defaultValue: 20 }),
    },
    resolve: (_root, page, { shop }) => shop.products(page),
  }),
)

builder.queryField('product', (t) =>
  t.field({
    type: ProductType,
    description: 'Read a product. One that is no longer sold answers GONE.',
    rest: { path: '/products/{id}' },
    extensions: { errors: [codes.GONE] },
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, { shop }) => shop.product(id),
  }),
)

builder.mutationField('createProduct', (t) =>
  t.field({
    type: ProductType,
    description: 'Add a product.',
    rest: { method: 'POST', path: '/products', status: 201, body: 'input', location: ({ id }) => `/products/${id}` },
    args: { input: t.arg({ type: ProductInput, required: true }) },
    resolve: (_root, { input }, { shop }) => shop.createProduct(input),
  }),
)

builder.mutationField('removeProduct', (t) =>
  t.field({
    type: ProductType,
    description: 'Stop selling a product.',
    rest: { method: 'DELETE', path: '/products/{id}' },
    extensions: { errors: [codes.GONE] },
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, { shop }) => shop.removeProduct(id),
  }),
)
