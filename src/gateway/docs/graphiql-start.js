// Runs in the browser, in GraphiQL.

const place = document.querySelector('#graphiql')
const { files, options } = place.dataset
const WORKERS = { editorWorkerService: 'editor', json: 'json', graphql: 'graphql' }

globalThis.MonacoEnvironment = {
  globalAPI: false,
  getWorkerUrl: (_module, label) => `${files}/${WORKERS[label]}.worker.js`,
}
globalThis.YogaGraphiQL.renderYogaGraphiQL(place, JSON.parse(options))
