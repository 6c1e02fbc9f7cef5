interface PageInfo {
  hasNextPage?: boolean
  hasPreviousPage?: boolean
  startCursor?: string | null
  endCursor?: string | null
}

/**
 * Returns the `Link` header (RFC 8288) of a page: the same query with the cursors of the next and
 * the previous page.
 */
export function linkHeader(path: string, query: URLSearchParams, answer: unknown): string | undefined {
  const page = (answer as { pageInfo?: PageInfo } | null)?.pageInfo
  if (!page) return undefined
  const turn = (rel: string, name: 'after' | 'before', cursor: string) => {
    const turned = new URLSearchParams(query)
    for (const given of ['after', 'before', 'offset']) turned.delete(given)
    turned.set(name, cursor)
    return `<${path}?${turned}>; rel="${rel}"`
  }
  const links = [
    ...(page.hasNextPage && page.endCursor ? [turn('next', 'after', page.endCursor)] : []),
    ...(page.hasPreviousPage && page.startCursor ? [turn('prev', 'before', page.startCursor)] : []),
  ]
  return links.length > 0 ? links.join(', ') : undefined
}
