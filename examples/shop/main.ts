import { createShop } from './shop.ts'

/** Serves the shop on PORT (4001). */
const { PORT = '4001', ADMIN_KEY = 'admin-key', CORS_ORIGINS = '' } = process.env
const shop = await createShop({ adminKey: ADMIN_KEY, corsOrigins: CORS_ORIGINS.split(',').filter(Boolean) })
console.log(`The shop is open: ${await shop.listen({ port: Number(PORT) })}/docs`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void shop.close())
