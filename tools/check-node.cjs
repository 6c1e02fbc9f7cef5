// Runs before a script that needs a newer Node than the machine may have. Plain JavaScript, so that any Node can run it.
const needed = [22, 18]
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < needed[0] || (major === needed[0] && minor < needed[1])) {
  console.error(
    `Taskwire needs Node ${needed.join('.')} or newer, and this is ${process.versions.node}. ` +
      'Run "npm ci" here, which installs Node 24 for Taskwire alone, and start it with npm.',
  )
  process.exit(1)
}
