/**
 * Returns a `fetch` that reads at most `limit` bytes of an answer, after decompression. Rejects if
 * there are more.
 */
export function limitedFetch(limit: number) {
  return async (url: string, options: RequestInit): Promise<Response> => {
    const response = await fetch(url, options)
    const chunks: Uint8Array[] = []
    let size = 0
    // Leaving the loop early cancels the download.
    for await (const chunk of response.body ?? []) {
      size += chunk.length
      if (size > limit) throw new Error(`The answer of ${url} has more than ${limit} bytes (JWT_JWKS_LIMIT).`)
      chunks.push(chunk)
    }
    return new Response(Buffer.concat(chunks), { status: response.status, headers: response.headers })
  }
}
