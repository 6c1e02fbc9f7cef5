import SchemaBuilder from '@pothos/core'
import ValidationPlugin from '@pothos/plugin-validation'
import {
  type CallerContext,
  RestPlugin,
  toValidationError,
  type Upload,
  uploadScalar,
} from '../../src/gateway/library/exports.ts'
import type { FileStore } from './files.ts'
import type { Books } from './store.ts'

export interface LibraryContext extends CallerContext {
  books: Books
  files: FileStore
}

export const builder = new SchemaBuilder<{
  Context: LibraryContext
  DefaultFieldNullability: false
  Scalars: { ID: { Input: string; Output: string }; Upload: { Input: Upload; Output: never } }
}>({
  defaultFieldNullability: false,
  plugins: [RestPlugin, ValidationPlugin],
  validation: { validationError: toValidationError },
})

builder.queryType({})
builder.mutationType({})
builder.subscriptionType({})
builder.addScalarType('Upload', uploadScalar)
