import { describe, expect, test } from 'vitest'
import { preferredType } from '../../src/gateway/http/accept.ts'

const JSON_TYPE = 'application/json'
const RESPONSE = 'application/graphql-response+json'
const choose = (accept?: string) =>
  preferredType({ headers: accept === undefined ? {} : { accept } }, [JSON_TYPE, RESPONSE])

describe('the media type of an answer', () => {
  test.each([
    [undefined, JSON_TYPE],
    ['', JSON_TYPE],
    [' , ', JSON_TYPE],
    ['*/*', JSON_TYPE],
    ['application/*', JSON_TYPE],
    ['Application/JSON', JSON_TYPE],
    [RESPONSE, RESPONSE],
    [`${RESPONSE}, ${JSON_TYPE}`, RESPONSE],
    [`${JSON_TYPE};q=0.1, ${RESPONSE}`, RESPONSE],
    [`${RESPONSE};q=0.1, ${JSON_TYPE};q=0.9`, JSON_TYPE],
    [`${JSON_TYPE} ; Q=0, */*`, RESPONSE],
    [`${JSON_TYPE};charset=utf-8`, JSON_TYPE],
    [`${JSON_TYPE}; foo=bar; q=0.1, ${RESPONSE};q=0.9`, RESPONSE],
    [`${JSON_TYPE} ; charset="a,b;\\"c" ; q=0.1, ${RESPONSE};q=0.9`, RESPONSE],
    [`text/html, */*;q=0.1`, JSON_TYPE],
  ])('is chosen by the Accept header: %s', (accept, type) => {
    expect(choose(accept)).toBe(type)
  })

  test.each([
    'text/plain',
    'application/xml',
    '*',
    'image/*',
    'garbage',
    `${JSON_TYPE};q=0`,
    '*/*;q=0',
    `${JSON_TYPE};q=x`,
  ])('is undefined if the header accepts none of ours: %s', (accept) => {
    expect(choose(accept)).toBeUndefined()
  })
})
