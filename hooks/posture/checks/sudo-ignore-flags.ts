import type { SudoDefault } from '../read/sudoers.ts'
import { type Check, judged, named } from '../verdict.ts'

/** sudoers(5): on unless it is switched off, but for ignore_iolog_errors. */
const onByDefault = ['ignore_audit_errors', 'ignore_logfile_errors']
const isIgnoring = (name: string): boolean => /^ignore_(?:iolog|logfile|audit|log|log_server)_errors$/.test(name)

type Setting = { scope: string; name: string; isOn: boolean; file: string }

/** The last word on each flag, per scope: later lines win (sudoers(5), Defaults). */
const lastWords = (defaults: readonly SudoDefault[]): Setting[] => {
  const last = new Map<string, Setting>()
  for (const { scope, name, isOn, file } of defaults)
    if (isIgnoring(name)) last.set(`${scope} ${name}`, { scope, name, isOn, file })
  return [...last.values()]
}

const recordingScopes = (defaults: readonly SudoDefault[]): string[] => [
  ...new Set(
    defaults
      .filter(({ name, isOn }) => isOn && ['log_servers', 'log_output', 'log_input'].includes(name))
      .map(({ scope }) => scope),
  ),
]

/** Flags that are on by default and that no line switches off where sudo records. */
const leftOn = (defaults: readonly SudoDefault[], settings: readonly Setting[]): string[] =>
  recordingScopes(defaults).flatMap((scope) =>
    onByDefault
      .filter((name) => !settings.some((each) => each.name === name && !each.isOn && ['', scope].includes(each.scope)))
      .map((name) => `Defaults${scope} ${name}`),
  )

export const sudoIgnoreFlags: Check = {
  id: 'sudo-ignore-flags',
  about:
    'sudo goes on where it cannot record (ignore_iolog_errors and the like); `warn`: a flag that is on by default is not switched off, or sudo records nobody',
  fix: 'in /etc/sudoers.d/bartizan: !ignore_iolog_errors, !ignore_logfile_errors, !ignore_audit_errors; remove the lines that switch them on',
  judge: (view) =>
    judged(view.sudoers, (defaults) => {
      const settings = lastWords(defaults)
      const on = settings.filter(({ isOn }) => isOn)
      const lines = on.map(({ scope, name, file }) => `${file}: Defaults${scope} ${name}`.slice(0, 300))
      const byDefault = leftOn(defaults, settings)
      const records = recordingScopes(defaults).length > 0
      const detail = { ...named(lines, 'on'), ...named(byDefault, 'onByDefault'), records }
      return [{ status: on.length > 0 ? 'fail' : byDefault.length > 0 || !records ? 'warn' : 'ok', detail }]
    }),
}
