import { stripVTControlCharacters } from 'node:util'
import type { Shell } from '../bastion-client.ts'
import { seededRandom } from '../seeded-random.ts'
import { patience } from '../until.ts'
import type { Plan } from './plan.ts'
import { keysOf } from './steps.ts'

/** Types a plan into a session. A step that waits in vain is given up with Ctrl-C: the truth is what the shell keeps. */

const limitMs = 6_000
const mostLate = 4
const quietMs = 25
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const prompts = { bash: /\x1b\]0;p\d+\x07/, zsh: /\x1b\]0;p\d+\x07/, python: /(?:>>> |\x1b\]0;p\d+\x07)/ }
const more = />[^\S\n]*$|\.\.\. $/

type Typist = { shell: Shell; plan: Plan; markAt: number; late: string[] }

const shownSince = ({ shell, markAt }: Typist): string => shell.received().subarray(markAt).toString('utf8')

const isShown = (typist: Typist, text: string): boolean => {
  const shown = shownSince(typist)
  if (text === 'prompt') return prompts[typist.plan.kind].test(shown)
  if (text === 'more') return more.test(stripVTControlCharacters(shown)) || prompts[typist.plan.kind].test(shown)
  return shown.includes(text)
}

const waitFor = async (typist: Typist, text: string): Promise<void> => {
  const end = Date.now() + limitMs * patience
  let before = -1
  for (let quietSince = Date.now(); ; await pause(5)) {
    const now = typist.shell.received().length
    if (now !== before) [before, quietSince] = [now, Date.now()]
    if (isShown(typist, text) && Date.now() - quietSince >= quietMs) return
    if (Date.now() < end) continue
    typist.late.push(`${text} after ${JSON.stringify(shownSince(typist).slice(-200))}`)
    typist.shell.type('\x03')
    return pause(200)
  }
}

/** Resolves at the end of the session, with what was waited for in vain. */
export const drive = async (shell: Shell, plan: Plan, [fastestMs, slowestMs] = [2, 14]): Promise<string[]> => {
  const typist: Typist = { shell, plan, markAt: 0, late: [] }
  const random = seededRandom(plan.seed + 1)
  const put = (keys: string): void => {
    typist.markAt = shell.received().length
    shell.type(keys)
  }
  for (const step of plan.steps) {
    if (typist.late.length > mostLate) break
    if ('waitFor' in step) await waitFor(typist, step.waitFor)
    else if ('pauseMs' in step) await pause(step.pauseMs)
    else if ('resize' in step) shell.resize(step.resize.cols, step.resize.rows)
    else if ('together' in step) put(step.together)
    else
      for (const key of keysOf(step.keys)) {
        put(key)
        await pause(fastestMs + (slowestMs - fastestMs) * random())
      }
  }
  const closes = (): Promise<boolean> =>
    Promise.race([shell.closed.then(() => true), pause(limitMs * patience).then(() => false)])
  if (!(await closes())) shell.type('\x03\x04exit\rexit()\rexit\r')
  if (!(await closes())) throw new Error(`the session does not end; ${typist.late.join('\n')}`)
  return typist.late
}
