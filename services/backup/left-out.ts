/**
 * What is not put into a backup of the state: it means something only to processes that run now, or it opens a door once
 * and must not open it again.
 */
const prefixes = [
  ...['browser-sessions/', 'login-links/', 'enrolment-codes/', 'heartbeats/', 'orders/', 'receiver/'],
  'shares/', // one that was revoked since must not lead anywhere again
]
const lease = /^sinks\/[^/]+\/(lease|request)$/

export const isLeftOut = (key: string): boolean => prefixes.some((prefix) => key.startsWith(prefix)) || lease.test(key)
