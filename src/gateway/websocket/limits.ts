import { AppError } from '../errors.ts'
import { createAddressLimit } from '../limits/address-limit.ts'
import type { ConnectionLimit } from '../limits/connection-limit.ts'

export interface SocketLimitOptions {
  connectionLimit: ConnectionLimit
  /** Maximum number of sockets per address that have not sent `connection_init` yet. */
  maxPending: number
  /** Maximum number of sockets per address on which nobody is signed in. */
  maxAnonymous: number
  /** Maximum number of open operations per socket. */
  maxOperations: number
  /** The same for a socket on which nobody is signed in. */
  maxAnonymousOperations: number
}

/** A socket's share of the limits. */
export interface SocketShare {
  address: string
  isAnonymous: boolean
}

/** Limits sockets per user, or per address where nobody is signed in, and operations per socket. */
export function createSocketLimits(options: SocketLimitOptions) {
  const { connectionLimit, maxPending, maxAnonymous, maxOperations, maxAnonymousOperations } = options
  const pending = createAddressLimit(maxPending)
  const anonymous = createAddressLimit(maxAnonymous)
  return {
    /** Counts a socket until `connection_init`. Returns the function that releases it. */
    acquirePending(address: string): () => void {
      const release = pending.acquire(address)
      if (release) return release
      throw new AppError(
        'RATE_LIMITED',
        `Your address has ${maxPending} websockets without connection_init (WS_MAX_PENDING_SOCKETS).`,
      )
    },

    /** Counts an open socket of a user, or of nobody. Returns the function that releases it. */
    acquire(share: SocketShare, principal: string | null): () => void {
      share.isAnonymous = principal === null
      if (principal !== null) return connectionLimit.acquire(principal)
      const release = anonymous.acquire(share.address)
      if (release) return release
      // A close frame has room for no more.
      throw new AppError('RATE_LIMITED', `Your address has ${maxAnonymous} open websockets without a credential.`)
    },

    /** Returns the error if a socket runs more operations than it may, the new one included. */
    overLimit({ isAnonymous }: SocketShare, operations: number): AppError | undefined {
      const limit = isAnonymous ? maxAnonymousOperations : maxOperations
      if (operations <= limit) return undefined
      return new AppError('RATE_LIMITED', `This socket already runs ${limit} operations. Complete one first.`)
    },
  }
}
