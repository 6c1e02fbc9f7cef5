/**
 * The files of GraphiQL, which its package contains as 9 MB of string constants. They are read in a
 * worker: the main thread would stand still, and keep the strings for good.
 */
import { parentPort, Worker, workerData } from 'node:worker_threads'

export type GraphiqlFile = keyof GraphiqlFiles

interface GraphiqlFiles {
  'graphiql.js': Buffer
  'graphiql.css': Buffer
  'favicon.ico': Buffer
  'editor.worker.js': Buffer
  'json.worker.js': Buffer
  'graphql.worker.js': Buffer
}

/** Tells this file that it runs as the worker. */
const AS_WORKER = 'read the files of GraphiQL'

export function readGraphiqlFiles(): Promise<GraphiqlFiles> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: AS_WORKER })
    worker.once('message', (files: Record<GraphiqlFile, Uint8Array>) => {
      const entries = Object.entries(files).map(([name, bytes]) => [
        name,
        Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
      ])
      resolve(Object.fromEntries(entries))
    })
    worker.once('error', reject)
    worker.once('exit', (code) => reject(new Error(`the files of GraphiQL could not be read: exit code ${code}`)))
  })
}

async function sendFiles(): Promise<void> {
  const { js, css, favicon, editorWorkerService, jsonWorker, graphqlWorker } = await import(
    '@graphql-yoga/render-graphiql/graphiql'
  )
  const encoder = new TextEncoder()
  const files = {
    'graphiql.js': encoder.encode(js),
    'graphiql.css': encoder.encode(css),
    'favicon.ico': Uint8Array.from(Buffer.from(favicon.slice(favicon.indexOf(',') + 1), 'base64')),
    'editor.worker.js': encoder.encode(editorWorkerService),
    'json.worker.js': encoder.encode(jsonWorker),
    'graphql.worker.js': encoder.encode(graphqlWorker),
  } satisfies Record<GraphiqlFile, Uint8Array>
  parentPort?.postMessage(
    files,
    Object.values(files).map(({ buffer }) => buffer),
  )
}

if (workerData === AS_WORKER) await sendFiles()
