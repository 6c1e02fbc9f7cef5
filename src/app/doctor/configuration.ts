import { ConfigError, readConfig } from '../../config.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

/** Fewer different characters than this do not come from a random generator. */
const RANDOM_CHARACTERS = 12

/** Checks the settings, by default those of this process, and what only makes sense together. */
export function checkConfiguration(environment?: Record<string, string | undefined>): Finding[] {
  try {
    const { JWT_SECRET: secrets, HOST, TRUSTED_PROXIES, ALLOWED_HOSTS } = readConfig(environment)
    const findings = [ok('configuration', 'every setting is valid')]
    if (secrets?.some((secret) => new Set(secret).size < RANDOM_CHARACTERS)) {
      findings.push(
        problem(
          'JWT_SECRET',
          'is easy to guess',
          'Generate one with: openssl rand -base64 48. Everybody must sign in again.',
        ),
      )
    }
    const isLocal = ['127.0.0.1', '::1', 'localhost'].includes(HOST)
    if (!isLocal && ALLOWED_HOSTS.length === 0) {
      findings.push(
        warning(
          'ALLOWED_HOSTS',
          'is not set, so requests for any host name are accepted',
          'List the names of this server.',
        ),
      )
    }
    if (isLocal && TRUSTED_PROXIES === 0) {
      findings.push(
        warning(
          'TRUSTED_PROXIES',
          'is 0 on a loopback address: behind a proxy, all clients would share one rate limit',
          'Set it to the number of proxies in front. Without a proxy, leave it.',
        ),
      )
    }
    return findings
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const lines = error.message.split('\n').slice(1)
    return lines.map((line) => {
      const [name = '', ...text] = line.trim().split(': ')
      return problem(name, text.join(': '), `Correct ${name}. docs/configuration.md explains every setting.`)
    })
  }
}
