// Preloaded into the server by startMeasuredServer. Answers each message of the parent with the
// memory in use after a garbage collection.
process.on('message', () => {
  globalThis.gc?.()
  process.send?.(process.memoryUsage())
})
// The open channel must not keep a stopped server alive.
process.channel?.unref()
// The server ends with its parent.
process.once('disconnect', () => process.exit())
