import { expect, test } from 'vitest'
import { allOf } from '../../src/modules/tasks/filter/combine.ts'
import { matchesFilter } from '../../src/modules/tasks/filter/matcher.ts'
import { taskFilterRules } from '../../src/modules/tasks/filter/rules.ts'
import type { TaskState } from '../../src/modules/tasks/filter/state.ts'

const ID = '0196f000-0000-7000-8000-000000000000'
const PATH = ['filter']

test('fields set in only one filter stay at the top level', () => {
  const combined = allOf({ projectId: ID, status: ['PENDING'] }, { search: 'report', overdue: true }, PATH)
  expect(combined).toEqual({ projectId: ID, status: ['PENDING'], search: 'report', overdue: true })
})

test('fields set in both filters must match both values', () => {
  const combined = allOf(
    { status: ['PENDING'], or: [{ overdue: true }, { search: 'a' }], and: [{ key: ['WEB-1'] }] },
    { status: ['COMPLETED'], or: [{ overdue: false }], not: { search: 'b' }, and: [{ key: ['WEB-2'] }] },
    PATH,
  )
  expect(combined).toEqual({
    status: ['PENDING'],
    or: [{ overdue: true }, { search: 'a' }],
    not: { search: 'b' },
    and: [{ key: ['WEB-1'] }, { key: ['WEB-2'] }, { status: ['COMPLETED'] }, { or: [{ overdue: false }] }],
  })
})

test('a task matches a combined filter exactly when it matches both filters', () => {
  const filters = [
    {},
    { priority: { gte: 3 } },
    { priority: { lte: 3 }, status: ['PENDING' as const] },
    { or: [{ priority: { in: [1, 5] } }, { status: ['COMPLETED' as const] }] },
    { not: { status: ['PENDING' as const] } },
    { and: [{ priority: { in: [3, 5] } }] },
  ]
  const scope = {
    viewerId: ID,
    timeZone: 'UTC',
    taskIds: new Map(),
    deleted: false,
    searchScope: null,
    at: new Date(),
    hits: new Set(''),
  }
  for (const first of filters) {
    for (const second of filters) {
      for (const priority of [1, 3, 5]) {
        for (const status of ['PENDING', 'COMPLETED'] as const) {
          const task = { priority, status } as TaskState
          const both = matchesFilter(task, first, scope) && matchesFilter(task, second, scope)
          const combined = matchesFilter(task, allOf(first, second, PATH), scope)
          expect(combined, JSON.stringify({ first, second, task })).toBe(both)
        }
      }
    }
  }
})

test('either filter can select the trash, unless the other contradicts it', () => {
  expect(allOf({ deleted: true }, {}, PATH)).toEqual({ deleted: true })
  expect(allOf({}, { deleted: true }, PATH)).toEqual({ deleted: true })
  expect(() => allOf({ deleted: true }, { deleted: false }, PATH)).toThrow(
    'filter.deleted: contradicts the filter it is combined with',
  )
})

test('limits apply to the combined filter, not only to each part', () => {
  const searches = (count: number) => ({ or: Array.from({ length: count }, () => ({ search: 'a' })) })
  expect(allOf(searches(10), searches(10), PATH)).toBeDefined()
  expect(() => allOf(searches(11), searches(10), PATH)).toThrow(
    'filter: together with the filter it is combined with, has 21 conditions on assignees, labels or search words; at most 20',
  )
  const many = { and: Array.from({ length: 30 }, () => ({ overdue: true })) }
  expect(() => allOf(many, many, PATH)).toThrow('has 61 nested filters; at most 50')
})

test('a filter parsed from JSON passes the same rules and gets its dates back', () => {
  const filter = {
    assigneeId: ['me'],
    dueAt: { gte: new Date('2026-01-31T17:00:00Z'), lt: new Date('0001-01-01T00:00:00Z') },
    not: { createdAt: { gt: new Date('2026-02-01T00:00:00Z') } },
  }
  expect(taskFilterRules.parse(JSON.parse(JSON.stringify(filter)))).toEqual(filter)
  expect(taskFilterRules.parse(filter)).toEqual(filter)
  expect(taskFilterRules.safeParse({ dueAt: { gte: 'soon' } }).success).toBe(false)
})
