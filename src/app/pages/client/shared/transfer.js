// Sends and fetches files with progress, which fetch cannot report while it sends.

import { apiPath, Refusal, renewToken, UNREACHABLE } from './api.js'
import { currentSession } from './session.js'

/**
 * Calls an operation like `api`, with a file as the body. Resolves with the answer, or throws a Refusal.
 * `onProgress` is called with the bytes so far.
 */
export const sendFile = (call, { query, headers, file, ...options }) =>
  transfer(call, {
    ...options,
    query,
    headers: { 'Content-Type': file.type || BYTES, ...headers },
    body: file,
    as: 'json',
  })

/** Fetches the bytes that an operation answers with. */
export const fetchFile = (call, options) => transfer(call, { ...options, as: 'blob' })

const BYTES = 'application/octet-stream'

async function transfer(call, options) {
  const token = currentSession()?.accessToken
  try {
    return await attempt(call, options)
  } catch (error) {
    if (error.status !== 401 || !token) throw error
    await renewToken(token)
    return attempt(call, options)
  }
}

function attempt(call, { query, headers, body, as, onProgress, signal }) {
  const [method, path] = call.split(' ')
  const request = new XMLHttpRequest()
  request.open(method, `${apiPath(path)}${query ? `?${new URLSearchParams(query)}` : ''}`)
  const token = currentSession()?.accessToken
  if (token) request.setRequestHeader('Authorization', `Bearer ${token}`)
  for (const [name, value] of Object.entries(headers ?? {})) request.setRequestHeader(name, value)
  request.responseType = 'blob'
  const moving = as === 'json' ? request.upload : request
  moving.addEventListener('progress', ({ loaded }) => onProgress?.(loaded))
  const cancel = () => request.abort()
  signal?.addEventListener('abort', cancel)
  return new Promise((resolve, reject) => {
    request.addEventListener('loadend', async () => {
      signal?.removeEventListener('abort', cancel)
      const ok = request.status >= 200 && request.status < 300
      if (ok && as === 'blob') return resolve(request.response)
      // An answer that was cut off, or one of a proxy, is not JSON.
      const answer = await readJson(request.response)
      if (ok) resolve(answer)
      else reject(new Refusal(answer ?? { ...UNREACHABLE, status: request.status }))
    })
    request.send(body)
  })
}

async function readJson(blob) {
  try {
    return JSON.parse(await blob.text())
  } catch {
    return undefined
  }
}
