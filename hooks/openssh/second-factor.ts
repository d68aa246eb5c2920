import { userFromHost } from './peer.ts'

/** What PAM modules for second factors say: pam_google_authenticator and pam_duo. Joined by name: they know no port. */
export type SecondFactorFact = { type: 'secondFactor'; user: string; denied: boolean }

const unquoted = (user: string): string =>
  user.length > 1 && user.startsWith("'") && user.endsWith("'") ? user.slice(1, -1) : user

const forms = [
  { words: 'Accepted google_authenticator for ', denied: false },
  { words: 'Invalid verification code for ', denied: true },
  { words: 'Successful Duo login for ', denied: false },
  { words: 'Aborted Duo login for ', denied: true },
  { words: 'Failed Duo login for ', denied: true },
]

export const readSecondFactor = (text: string): SecondFactorFact | null => {
  const form = forms.find(({ words }) => text.startsWith(words))
  if (!form) return null
  const start = form.words.length
  const user = userFromHost(text, start)?.user ?? text.slice(start)
  return { type: 'secondFactor', user: unquoted(user).slice(0, 256), denied: form.denied }
}
