import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

/**
 * Keeps what Node compiles from one start to the next, for threads too, which look at the environment. It lies with the
 * code, since whoever may write there may change what runs. Where nobody may, Node does without.
 */
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, '../node_modules/.cache/taskwire')
enableCompileCache(process.env.NODE_COMPILE_CACHE)
