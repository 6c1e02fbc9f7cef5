import type { NotificationKind } from '../../../generated/prisma/enums.ts'

/** A notification as it is written to its recipient. */
export interface Told {
  kind: NotificationKind
  actorName: string | null
  taskKey: string | null
  taskTitle: string | null
  projectName: string | null
  commentBody: string | null
  message: string | null
  dueAt: Date | null
}

export interface MessageText {
  /** One line. */
  subject: string
  text: string
}

/** Maximum length of a quoted comment, in UTF-16 units. */
const MAX_QUOTE = 1_000

/** Returns the text of an e-mail or a push message. */
export function messageText(told: Told): MessageText {
  const { taskKey, taskTitle, projectName } = told
  const task = taskKey === null ? undefined : `${taskKey}: ${taskTitle}`
  const lines = [sentence(told), ...details(told), ...(task ? [`Task: ${task}`, `Project: ${projectName}`] : [])]
  return { subject: oneLine(subjectOf(told, task)), text: lines.join('\n\n') }
}

function subjectOf({ kind }: Told, task: string | undefined): string {
  return task === undefined ? SUBJECTS[kind] : `${SUBJECTS[kind]}: ${task}`
}

const SUBJECTS: Record<NotificationKind, string> = {
  ASSIGNED: 'Assigned to you',
  MENTIONED: 'You were mentioned',
  COMMENTED: 'New comment',
  UPDATED: 'Task changed',
  DUE_SOON: 'Due soon',
  ADMIN_NOTICE: 'Notice from an administrator',
}

function sentence({ kind, actorName }: Told): string {
  const who = actorName ?? 'Somebody'
  switch (kind) {
    case 'ASSIGNED':
      return `${who} assigned a task to you.`
    case 'MENTIONED':
      return `${who} mentioned you in a comment.`
    case 'COMMENTED':
      return `${who} commented on a task.`
    case 'UPDATED':
      return `${who} changed a task that is assigned to you.`
    case 'DUE_SOON':
      return 'A task is due soon.'
    case 'ADMIN_NOTICE':
      return `${who} wrote to you:`
  }
}

function details({ commentBody, message, dueAt }: Told): string[] {
  const quoted =
    commentBody !== null && commentBody.length > MAX_QUOTE ? `${commentBody.slice(0, MAX_QUOTE)}…` : commentBody
  return [quoted, message, dueAt && `Due: ${dueAt.toISOString()}`].filter((one) => one != null)
}

/** A line break in a header would start another one. */
const oneLine = (text: string) => text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
