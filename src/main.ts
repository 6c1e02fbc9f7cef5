import './app/compile-cache.ts'

// Loaded afterwards, because the cache serves only modules that load once it is enabled.
await import('./app/run.ts')
