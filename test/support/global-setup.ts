import { prepareTemplates } from './database.ts'

export const setup = prepareTemplates
