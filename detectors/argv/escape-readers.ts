import { type Act, act, type Reader, type Who } from './acts.ts'
import { letters, readOptions } from './options.ts'
import { isInteractiveShell } from './shells.ts'
import { unwrap } from './unwrap.ts'

/** Shells out of programs that were not meant to give one (gtfobins.github.io), and containers out of which the host is reached. */

const maxText = 4_096
const shellWords = [
  '/bin/sh',
  '/bin/bash',
  '/bin/dash',
  '/bin/zsh',
  '/bin/ksh',
  '"sh"',
  "'sh'",
  '"bash"',
  "'bash'",
  '"sh ',
  "'sh ",
  '"bash ',
  "'bash ",
]
const namesShell = (text: string): boolean => shellWords.some((word) => text.slice(0, maxText).includes(word))
const isBareShell = (text: string): boolean => isInteractiveShell(text.trim().slice(0, maxText).split(/\s+/, 8))

const shellOut = ({ isRoot }: Who): Act[] => act(isRoot ? 'escape' : 'own-escape')
const when = (isSo: boolean, who: Who): Act[] => (isSo ? shellOut(who) : [])

const find: Reader = (args, who, read) => {
  const found: Act[] = []
  for (let at = 0; at < args.length; at++) {
    if (!/^-(?:exec|execdir|ok|okdir)$/.test(args[at]!)) continue
    const end = args.findIndex((word, index) => index > at && (word === ';' || word === '\\;' || word === '+'))
    const inner = args.slice(at + 1, end < 0 ? undefined : end)
    found.push(...(isInteractiveShell(inner) ? shellOut(who) : read(inner, who)))
    at += inner.length
  }
  return found
}

/** Programs in a language that can start others. */
const calls = [
  'system(',
  'exec(',
  'exec ',
  'spawn(',
  'popen(',
  'execl',
  'execv',
  'call(',
  'run(',
  'system ',
  '| "',
  '|&',
]
const startsShell = (text: string): boolean =>
  namesShell(text) && calls.some((call) => text.slice(0, maxText).includes(call))
const awk: Reader = (args, who) => when(args.some(startsShell), who)
const language: Reader = (args, who) => {
  const { values } = readOptions(args, { withValue: letters('c e E r') })
  return when(
    ['c', 'e', 'E', 'r'].some((flag) => startsShell(values.get(flag) ?? '')),
    who,
  )
}

const isShellOut = (text: string): boolean => {
  const command = text.replace(/^:/, '').trim()
  if (command === 'shell' || command === 'terminal' || command === 'sh') return true
  if (command.startsWith('!')) return isBareShell(command.slice(1))
  return command.startsWith('set shell=') || (command.startsWith('py') && startsShell(command))
}
const vi: Reader = (args, who) => {
  const { values } = readOptions(args, { withValue: letters('c cmd S T u U w W') })
  const plus = args.filter((word) => word[0] === '+').map((word) => word.slice(1))
  const given = [values.get('c'), values.get('cmd'), ...plus]
  return when(
    given.some((text) => text !== undefined && isShellOut(text)),
    who,
  )
}

/** An argument that begins with one of these, and names a shell. */
const telling: readonly (readonly [string, readonly string[]])[] = [
  ['tar', ['--checkpoint-action=', '--to-command=', '--use-compress-program=', '-I']],
  ['git', ['core.pager=', 'core.editor=', 'core.sshCommand=', '-ccore.pager=']],
  ['ssh', ['ProxyCommand=', '-oProxyCommand=', '-oLocalCommand=', 'LocalCommand=', 'proxycommand ']],
  ['zip', ['--unzip-command=', '-TT', 'sh ', '/bin/']],
  ['rsync', ['sh ', '/bin/', '--rsh=']],
  ['apt', ['APT::', 'Dpkg::']],
  ['apt-get', ['APT::', 'Dpkg::']],
  ['nmap', ['--script=', '--interactive']],
  ['gdb', ['!', 'shell', 'python']],
  ['tcpdump', ['/bin/', '/tmp/']],
  ['mysql', ['\\!', 'system ']],
  ['psql', ['\\!']],
  ['sqlite3', ['.shell', '.system']],
  ['socat', ['exec:', 'EXEC:', 'system:', 'SYSTEM:']],
]
const isTelling = (word: string, starts: readonly string[]): boolean => {
  const start = starts.find((one) => word.startsWith(one))
  if (start === undefined) return false
  const rest = word.slice(start.length)
  return (
    namesShell(word) ||
    isBareShell(rest) ||
    isBareShell(word) ||
    /^(?:exec=|;)?(?:sh|bash)\b/.test(rest) ||
    word === '--interactive'
  )
}

/** These run what follows their options. */
const running: readonly (readonly [string, string, number])[] = [
  ['watch', 'n interval', 0],
  ['strace', 'o e p s u a E', 0],
  ['ltrace', 'o e p s u a', 0],
  ['flock', 'w timeout E', 1],
  ['setarch', '', 1],
  ['unshare', '', 0],
  ['cpulimit', 'l p e', 0],
]

const rootOfHost = (word: string): boolean => /(?:^|=)\/:/.test(word) || /(?:^|,)(?:source|src)=\/(?:,|$)/.test(word)
const container: Reader = (args) => {
  const verb = args.find((word) => ['run', 'exec', 'create'].includes(word))
  if (verb === undefined) return []
  if (args.some(rootOfHost)) return act('host-from-container')
  const isPrivileged = args.some((word) =>
    /^--(?:privileged|pid=host|cap-add=(?:ALL|SYS_ADMIN|SYS_PTRACE))$/i.test(word),
  )
  return isPrivileged ? act('privileged-container') : []
}
const lxc: Reader = (args) =>
  args.some((word) => word === 'source=/' || word === 'security.privileged=true') ? act('host-from-container') : []
const nsenter: Reader = (args) => {
  const { flags, values } = readOptions(args, { withValue: letters('t target S G setuid setgid'), isStrict: true })
  const target = values.get('t') ?? values.get('target')
  return target === '1' || flags.has('a') || flags.has('all') ? act('host-from-container') : []
}

const names = (text: string, reader: Reader) => text.split(' ').map((name) => [name, reader] as const)

export const escapeReaders: ReadonlyMap<string, Reader> = new Map([
  ...names('find', find),
  ...names('awk gawk mawk nawk', awk),
  ...names('python python2 python3 perl ruby lua php node', language),
  ...names('vi vim nvim view vimdiff ex rvim', vi),
  ...telling.map(
    ([name, starts]) =>
      [
        name,
        ((args, who) =>
          when(
            args.some((word) => isTelling(word, starts)),
            who,
          )) as Reader,
      ] as const,
  ),
  ...running.map(([name, withValue, skip]) => {
    const reader: Reader = (args, who, read) => {
      const inner = readOptions(args, { withValue: letters(withValue), isStrict: true }).operands.slice(skip)
      return isInteractiveShell(inner) ? when(who.isRoot, who) : read(unwrap(inner).argv, who)
    }
    return [name, reader] as const
  }),
  ...names('docker podman nerdctl', container),
  ...names('lxc incus', lxc),
  ...names('nsenter', nsenter),
])
