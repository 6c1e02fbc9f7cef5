import { DEMO_PASSWORD, PEOPLE } from '../prisma/seed.ts'

/** Returns what the demo prints: one screen of at most 100 columns. Its commands run as they stand. */
export function demoScreen(url: string, token: string): string {
  const [ada, ben, chloe] = PEOPLE
  const authorized = `-H "Authorization: Bearer $TOKEN"`
  const json = `-H 'Content-Type: application/json'`
  return `
Taskwire demo: 3 users, 3 projects and 200 tasks, in memory. Ctrl-C stops it.

  Board       ${url}/board#WEB
  Start page  ${url}          GraphQL, REST and live, side by side
  Docs        ${url}/docs     Swagger UI; also /redoc, and GraphiQL at /graphql

  Sign in     ${ada.email} (ADMIN), ${ben.email} or ${chloe.email}
  Password    ${DEMO_PASSWORD}

In a terminal, follow all changes:

  export TOKEN=${token}
  curl -N ${url}/api/v1/events/stream ${authorized}

In another one, also with TOKEN, create a task over REST and read it over GraphQL:

  curl ${url}/api/v1/tasks ${authorized} \\
    ${json} -d '{"title": "Try Taskwire", "priority": 5}'
  curl ${url}/graphql ${authorized} \\
    ${json} -d '{"query": "{ task(id: \\"ADA-1\\") { title status } }"}'

`
}
