import { GraphQLError, GraphQLScalarType, type GraphQLType, getNamedType } from 'graphql'

/** A file that is arriving. */
export interface IncomingFile {
  /** As the client sent it: never use it as a path. */
  filename: string | undefined
  /** As the client sent it. */
  contentType: string | undefined
  /** At least the size of the file, if the client declared a length. */
  declaredSize: number | undefined
  /**
   * The bytes, to be read once. Reading stops with an error if the file is too large, the client
   * leaves, or what follows the file is invalid: then nothing of it may be kept.
   */
  bytes: AsyncIterable<Buffer>
}

/** What an application has made of a file before the operation runs. */
export interface ReceivedFile {
  /** Distinguishes the contents from others, as JSON. */
  fingerprint: unknown
  /** Called if the operation did not use it. */
  discard(): Promise<void>
}

/**
 * The value of an `Upload` argument. Its bytes are still with the client: the operation checks
 * first whether it wants them.
 */
export class Upload {
  readonly #open: (limit: string) => Promise<IncomingFile>
  #opened = false
  #received: ReceivedFile | undefined

  constructor(open: (limit: string) => Promise<IncomingFile>) {
    this.#open = open
  }

  /**
   * Starts to read the file. Throws PAYLOAD_TOO_LARGE at once if its declared size is above the limit
   * with this name.
   */
  open(limit: string): Promise<IncomingFile> {
    if (this.#opened) throw new Error('the upload was read before')
    this.#opened = true
    return this.#open(limit)
  }

  /** Set by the extension `receive` of a field. */
  get received(): ReceivedFile | undefined {
    return this.#received
  }

  set received(file: ReceivedFile | undefined) {
    this.#received = file
  }

  toJSON(): unknown {
    return this.#received?.fingerprint ?? null
  }
}

const REFUSAL = 'must be a file: send the request as multipart/form-data'

/** The scalar of arguments that take a file. */
export const uploadScalar = new GraphQLScalarType<Upload, never>({
  name: 'Upload',
  description:
    'A file. In GraphQL, sent as `multipart/form-data` (https://github.com/jaydenseric/graphql-multipart-request-spec). In REST, the body.',
  specifiedByURL: 'https://github.com/jaydenseric/graphql-multipart-request-spec',
  extensions: { isUpload: true, jsonSchema: { type: 'string', format: 'binary' } },
  serialize() {
    throw new GraphQLError('An upload is only an input.')
  },
  parseValue(value) {
    if (value instanceof Upload) return value
    throw new GraphQLError(REFUSAL)
  },
  parseLiteral() {
    throw new GraphQLError(REFUSAL)
  },
})

/** Returns true for the type of an argument that takes a file. */
export function isUpload(type: GraphQLType): boolean {
  return (getNamedType(type).extensions as { isUpload?: boolean }).isUpload === true
}
