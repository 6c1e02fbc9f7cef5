// Loaded before the server by startProcess: answers each message of the parent with what is used once the garbage is collected.
process.on('message', () => {
  globalThis.gc?.()
  process.send?.(process.memoryUsage())
})
// A server that is stopped does not wait for another question.
process.channel?.unref()
// Nor does it outlive the one that started it.
process.once('disconnect', () => process.exit())
