import type { Finding, RuleContext } from '../../rule.ts'
import { listed, plural, span } from '../wording.ts'
import { type AddressRecord, type Assault, medianGapMs, type Noise } from './address-record.ts'
import { type Attack, severityOf } from './attack.ts'

/** What is said of the failed logins of an address. */

type Settings = RuleContext['settings']['authFailures']

const titles: Record<Attack, string> = {
  spray: 'one address tries many accounts',
  fast: 'passwords are being guessed',
  many: 'passwords are being guessed',
  slow: 'passwords are being guessed slowly',
  system: 'passwords of system accounts are being guessed',
  inside: 'many failed logins from a place that people log in from',
  'old password': 'a program seems to have an old password',
}

const limits: Record<Attack, (settings: Settings) => string> = {
  spray: ({ sprayAccounts }) => `fewer than ${sprayAccounts} accounts that fail from one address and do not get in`,
  fast: ({ fastAttempts, fastMs }) => `fewer than ${fastAttempts} failures within ${span(fastMs)} without a success`,
  many: ({ dayAttempts }) => `fewer than ${dayAttempts} failures without a success`,
  slow: ({ slowAttempts, slowGapMs }) =>
    `fewer than ${slowAttempts} failures, more than ${span(slowGapMs)} apart, without a success`,
  system: ({ systemAttempts }) => `fewer than ${systemAttempts} failures`,
  inside: ({ familiarAttempts, familiarAccounts }) =>
    `fewer than ${familiarAttempts} failures or ${familiarAccounts} accounts of people who log in from there`,
  'old password': () => 'a few failures before a success',
}

const paceOf = (assault: Assault): string =>
  assault.recent.length < 3 ? '' : ` The pause between two of them is ${span(medianGapMs(assault))} in the median.`

const observedOf = ({ count, accounts, isMore, firstMs, lastMs }: Assault): string =>
  `${plural(count, 'failed login')} at ${isMore ? 'more than ' : ''}${plural(accounts.length, 'account')} within ${span(lastMs - firstMs)}`

export const findingOfAssault = (
  { ip, noise }: AddressRecord,
  assault: Assault,
  attack: Attack,
  { settings }: RuleContext,
): Finding => {
  const names = assault.accounts.map(({ user }) => user)
  const observed = observedOf(assault)
  const expected = limits[attack](settings.authFailures)
  const besides = noise ? ` Besides ${plural(noise.count, 'attempt')} at names nobody has on that day.` : ''
  return {
    window: `${ip} ${Math.floor(assault.firstMs / settings.authFailures.quietMs)}`,
    severity: severityOf[attack],
    title: `${ip}: ${titles[attack]}`,
    explanation: `${observed} (${listed(names)}) from ${ip}, and nobody of them got in from there since. Expected: ${expected}.${paceOf(assault)}${besides}`,
    baseline: { observed, expected, historySize: 0, historyDays: 0 },
    user: names.length === 1 && !assault.isMore ? names[0]! : null,
    sourceIp: ip,
    bastion: assault.bastion,
    count: assault.count,
    firstEventMs: assault.firstMs,
    lastEventMs: assault.lastMs,
  }
}

/** Names nobody has: noise of the internet, but not from within. */
export const findingOfNoise = (
  { ip }: AddressRecord,
  noise: Noise,
  bastion: string,
  { directory, settings }: RuleContext,
): Finding => {
  const isInside = directory.knownNetwork(ip, noise.lastMs) !== null
  const isSearch = isInside && noise.names.length >= settings.authFailures.insideNames
  const observed = `${plural(noise.count, 'failed login')} at names nobody has`
  const expected = isInside
    ? `fewer than ${settings.authFailures.insideNames} different names from a place of our own`
    : 'any number from the internet'
  return {
    window: `nobody ${ip} ${noise.day}`,
    severity: isSearch ? 'low' : 'info',
    title: `${ip}: ${isSearch ? 'names are being tried from within' : 'tries names nobody has'}`,
    explanation: `${observed} (${listed(noise.names)}) from ${ip} on this day. Expected: ${expected}.`,
    baseline: { observed, expected, historySize: 0, historyDays: 0 },
    sourceIp: ip,
    bastion,
    count: noise.count,
    firstEventMs: noise.firstMs,
    lastEventMs: noise.lastMs,
  }
}
