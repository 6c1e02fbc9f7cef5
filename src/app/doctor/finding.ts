export interface Finding {
  /** A problem keeps the server from working. A warning is for somebody to decide. */
  level: 'ok' | 'warning' | 'problem'
  /** A setting or a part of the set-up. */
  subject: string
  text: string
  /** Tells what to do. */
  remedy?: string
}

export const ok = (subject: string, text: string): Finding => ({ level: 'ok', subject, text })
export const warning = (subject: string, text: string, remedy: string): Finding => ({
  level: 'warning',
  subject,
  text,
  remedy,
})
export const problem = (subject: string, text: string, remedy: string): Finding => ({
  level: 'problem',
  subject,
  text,
  remedy,
})
