// Runs in the browser, on /redoc.

const place = document.querySelector('#docs')
// Uses the fonts of the reader's system: ReDoc loads its own from another host.
const text = 'system-ui, sans-serif'
const code = 'ui-monospace, monospace'

globalThis.Redoc.init(
  place.dataset.openapi,
  {
    requiredPropsFirst: true,
    theme: { typography: { fontFamily: text, headings: { fontFamily: text }, code: { fontFamily: code } } },
  },
  place,
)
