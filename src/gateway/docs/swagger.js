// Runs in the browser, on /docs.

const place = document.querySelector('#docs')

/** Returns the text of an operation's GraphQL twin, or undefined if the document only names it. */
function twinOf(operation) {
  const text = operation?.getIn?.(['x-graphql-operation', 'document'])
  return typeof text === 'string' ? text : undefined
}

/** Adds a link to GraphiQL to each operation whose twin is known. */
function graphqlTwin({ React: { createElement, Fragment } }) {
  const link = (text) => {
    const href = `${place.dataset.graphql}?query=${encodeURIComponent(text)}`
    const anchor = createElement('a', { href, target: '_blank', rel: 'noopener' }, 'Open in GraphiQL')
    return createElement('p', { className: 'graphql-twin' }, anchor)
  }
  return {
    wrapComponents: {
      parameters: (Parameters) => (props) => {
        const text = twinOf(props.operation)
        const parameters = createElement(Parameters, props)
        return text === undefined ? parameters : createElement(Fragment, null, link(text), parameters)
      },
    },
  }
}

/**
 * Keeps the fields of the Authorize dialog from taking the focus. Otherwise the last one gets it,
 * and the dialog opens scrolled to its end.
 */
function calmFocus({ React: { createElement } }) {
  return {
    wrapComponents: { Input: (Input) => (props) => createElement(Input, { ...props, autoFocus: false }) },
  }
}

/**
 * Shows list items that have a format as text. Swagger UI would look for a component per format and
 * log a warning for each.
 */
function formattedItems({ React: { createElement } }) {
  const text = (props) => createElement(props.getComponent('JsonSchema_string'), props)
  return { components: { JsonSchema_integer_int32: text, JsonSchema_string_uuid: text } }
}

globalThis.SwaggerUIBundle({
  url: place.dataset.openapi,
  domNode: place,
  plugins: [graphqlTwin, calmFocus, formattedItems],
  deepLinking: true,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: true,
  tryItOutEnabled: true,
  // The default sends the document to a validator on another host.
  validatorUrl: null,
})
