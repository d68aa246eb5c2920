import type { Header } from './header.ts'
import type { SshdLogState } from './state.ts'

const words = 'message repeated '
/** sshd's lines are short; what is longer is not worth a place. */
const maxRemembered = 2048

/** `message repeated N times: [ MESSAGE]`, as rsyslog writes it. */
export const unfold = (message: string): { message: string; times: number } => {
  if (!message.startsWith(words) || !message.endsWith(']')) return { message, times: 1 }
  const end = message.indexOf(' times: [', words.length)
  const times = message.slice(words.length, end)
  if (end < 0 || !/^[0-9]{1,9}$/.test(times)) return { message, times: 1 }
  return { message: message.slice(end + 9, -1).trimStart(), times: Number(times) }
}

/** `last message repeated N times`, as older syslogds write it: of the line before, whoever wrote that. */
export const createRepetitions = (snapshot: SshdLogState['before']) => {
  let before: Omit<Header, 'time'> | null = snapshot
  const remembered = (): SshdLogState['before'] => {
    if (before === null || before.message.length > maxRemembered) return null
    const { host, program, pid, message, privileged } = before
    return { host, program, pid, message, privileged }
  }
  return {
    /** What a header stands for; null: nothing of sshd. */
    meant: (header: Header | null): Header | null => {
      if (header?.repeats === undefined) {
        before = header
        return header
      }
      const last = remembered()
      if (last === null || last.host !== header.host) {
        before = null
        return null
      }
      const message = `${words}${header.repeats} times: [ ${unfold(last.message).message}]`
      return { ...last, time: header.time, message }
    },
    snapshot: remembered,
  }
}
