import { join } from 'node:path'

/**
 * Keeps what a start computes for the next one. Inside node_modules: anyone who can write there can
 * change the code anyway. Everything works without it, if the folder is read-only.
 */
export const CACHE_FOLDER = join(import.meta.dirname, '../../node_modules/.cache/taskwire')
