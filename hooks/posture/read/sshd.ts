import { boundedLines } from './lines.ts'

/** What `sshd -T` prints: each keyword in lower case, with its values in order. */
export type Sshd = ReadonlyMap<string, readonly string[]>

const limits = { maxLines: 4_000, maxChars: 16_384 }

export const readSshd = (text: string): Sshd => {
  const settings = new Map<string, string[]>()
  for (const line of boundedLines(text, limits)) {
    const space = line.indexOf(' ')
    const keyword = (space === -1 ? line : line.slice(0, space)).toLowerCase()
    if (!/^[a-z][a-z0-9]{1,63}$/.test(keyword)) continue
    const values = settings.get(keyword) ?? []
    values.push(space === -1 ? '' : line.slice(space + 1).trim())
    settings.set(keyword, values)
  }
  return settings
}

export const setting = (sshd: Sshd, keyword: string): string => sshd.get(keyword)?.[0]?.toLowerCase() ?? ''

/** All words of a keyword that may stand on several lines. */
export const words = (sshd: Sshd, keyword: string): string[] =>
  (sshd.get(keyword) ?? []).flatMap((value) => value.split(' ')).filter((word) => word !== '' && word !== 'none')

/** ChallengeResponseAuthentication was its name before OpenSSH 8.7. */
export const asksByKeyboard = (sshd: Sshd): boolean =>
  (setting(sshd, 'kbdinteractiveauthentication') || setting(sshd, 'challengeresponseauthentication')) === 'yes'

/** The lists of AuthenticationMethods, each of which lets a user in; null: any single method does. */
export const methodLists = (sshd: Sshd): string[][] | null => {
  const lists = words(sshd, 'authenticationmethods').slice(0, 100)
  if (lists.length === 0 || lists.includes('any')) return null
  return lists.map((list) => list.split(',').map((method) => method.split(':')[0]!))
}

/** Where sshd listens. Port 22 where none is written. */
export const listening = (sshd: Sshd): { address: string; port: number }[] =>
  words(sshd, 'listenaddress').map((written) => {
    const [, bracketed, plain, port] = /^(?:\[([^\]]{0,64})\]|([^:]{0,253}))(?::(\d{1,5}))?$/.exec(written) ?? []
    return { address: bracketed ?? plain ?? written, port: Number(port ?? (setting(sshd, 'port') || 22)) }
  })
