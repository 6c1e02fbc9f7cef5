import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

/**
 * Keeps Node's compile cache between starts. Worker threads read the environment variable. The
 * cache is inside node_modules: anyone who can write there can change the code anyway. If the
 * folder is read-only, Node works without a cache.
 */
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, '../../node_modules/.cache/taskwire')
enableCompileCache(process.env.NODE_COMPILE_CACHE)
