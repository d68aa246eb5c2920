import { type Act, act, builtin, type Reader } from './acts.ts'
import { letters, readOptions } from './options.ts'
import { nameOf } from './unwrap.ts'

/** What switches off those who look. */

const watchers = new Set(
  'auditd rsyslog rsyslogd syslog syslog-ng syslogd systemd-journald falco osqueryd wazuh-agent filebeat auditbeat ossec bartizan-agent bartizan sysmon clamav-daemon aide'.split(
    ' ',
  ),
)
const isWatcher = (word: string): boolean => watchers.has(nameOf(word).replace(/\.(?:service|socket)$/, ''))
const stopping = new Set(['stop', 'disable', 'mask', 'kill'])

const systemctl: Reader = (args) => {
  const [verb = '', ...units] = readOptions(args, { withValue: letters('s signal t type H host M machine') }).operands
  return stopping.has(verb) && units.some(isWatcher) ? act('audit-off') : []
}
const service: Reader = ([unit = '', verb = '']) => (verb === 'stop' && isWatcher(unit) ? act('audit-off') : [])
const killing: Reader = (args) =>
  args.some((word) => word[0] !== '-' && isWatcher(word)) &&
  !args.some((word) => /^-(?:s|signal=)?(?:0|HUP|SIGHUP|1|USR1)$/.test(word))
    ? act('audit-off')
    : []
const auditctl: Reader = (args) => {
  const { flags, values } = readOptions(args, { withValue: letters('e f b r a A d w W p k S F C') })
  return flags.has('D') || values.get('e') === '0' ? act('audit-off') : []
}

const history: Reader = (args) =>
  readOptions(args, { withValue: letters('d w a r n') }).flags.has('c') ? builtin('history-wipe') : []
const unset: Reader = (args) => (args.includes('HISTFILE') ? builtin('history-wipe') : [])
const set: Reader = (args) => (args[0] === '+o' && args[1] === 'history' ? builtin('history-wipe') : [])

const hiding = new Set(['HISTFILE=', 'HISTFILE=/dev/null', 'HISTSIZE=0', 'HISTFILESIZE=0'])
/** HISTFILE=/dev/null and its like, alone, before a command, or after export. */
export const assigns = (assignments: readonly string[]): Act[] =>
  assignments.some((one) => hiding.has(one)) ? builtin('history-wipe') : []

export const auditReaders: ReadonlyMap<string, Reader> = new Map([
  ['systemctl', systemctl],
  ['service', service],
  ['pkill', killing],
  ['killall', killing],
  ['auditctl', auditctl],
  ['setenforce', (args) => (args[0] === '0' || args[0]?.toLowerCase() === 'permissive' ? act('audit-off') : [])],
  ['history', history],
  ['unset', unset],
  ['set', set],
  ['export', assigns],
  ['declare', assigns],
  ['typeset', assigns],
  ['readonly', assigns],
])
