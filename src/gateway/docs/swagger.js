// Runs in the browser, on /docs.

const place = document.querySelector('#docs')

/** The text of an operation's GraphQL twin; undefined where the document only names it. */
function twinOf(operation) {
  const text = operation?.getIn?.(['x-graphql-operation', 'document'])
  return typeof text === 'string' ? text : undefined
}

/** Puts the way to GraphiQL into each operation whose twin is known. */
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

/** Each field of the Authorize dialog asks for the focus and the last one gets it: the dialog opened scrolled to its end. */
function calmFocus({ React: { createElement } }) {
  return {
    wrapComponents: { Input: (Input) => (props) => createElement(Input, { ...props, autoFocus: false }) },
  }
}

/** Items of a list that have a format are texts like all others: Swagger UI looks for fields of their own, and its console warns of each. */
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
  // Else the document goes to a validator on another host.
  validatorUrl: null,
})
