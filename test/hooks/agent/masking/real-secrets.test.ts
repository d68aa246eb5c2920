import test from 'ava'
import type { TtyMode } from '#hooks/hook.ts'
import { keptInput, replayed } from '#test/helpers/masked-replay.ts'
import { missingProgram, type Step, script, type TtyEvent, typedSession } from '#test/helpers/typed-session.ts'

// Real programs in a real pty, the modes as tcgetattr read them.
const missing = missingProgram('python3', 'bash')
const real = missing === null ? test.serial : test.serial.skip
const note = missing === null ? '' : ` (${missing} is not installed)`

const secret = 'Tr0ub4dor&3'
const shell = ['bash', '--norc', '--noprofile', '-i']
const far = (delayMs: number, ...argv: string[]): string[] => ['python3', script('far-pty.py'), `${delayMs}`, ...argv]
const ask = (prompt: string, how: string): string => `python3 '${script('ask-secret.py')}' '${prompt}' ${how}`

const byKey = (text: string, afterMs = 25): Step[] => [...text].map((typed) => ({ typed, afterMs }))
const pasted = (text: string, afterMs = 60): Step[] => [{ typed: text, afterMs }]
const later = ([first, ...rest]: Step[], byMs: number): Step[] =>
  first && 'typed' in first ? [{ ...first, afterMs: first.afterMs + byMs }, ...rest] : rest
const atPrompt: Step = { waitFor: 'PS> ' }

/** `lookMs`: what a person takes to look at the prompt: what the kernel echoed before the echo was off is output, and not masked. */
type Prompt = { name: string; command: string; ready: string; lookMs?: number }

/** In a shell: run `command`, wait for `ready`, type the secret, then an ordinary command. */
const session = (argv: string[], { command, ready, lookMs = 0 }: Prompt, typing: Step[]): Promise<TtyEvent[]> =>
  typedSession({
    argv,
    env: { PS1: 'PS> ' },
    steps: [
      atPrompt,
      ...byKey(`${command}\r`, 3),
      { waitFor: `\n` },
      { waitFor: ready },
      ...later(typing, lookMs),
      atPrompt,
      ...byKey('echo over\r', 5),
      { waitFor: '\rover' },
      atPrompt,
      ...byKey('exit\r', 5),
    ],
  })

const asRead = ({ mode }: TtyEvent): TtyMode => mode
const unread = (): TtyMode => 'unknown'

const prompts: Prompt[] = [
  { name: 'read -s', command: "read -s -p 'Word? ' x", ready: 'Word? ' },
  {
    name: 'python getpass',
    command: `python3 -c 'import getpass; getpass.getpass("Wachtwoord: ")'`,
    ready: 'Wachtwoord: ',
  },
  { name: 'a Russian prompt', command: ask('Пароль: ', 'none'), ready: 'Пароль: ' },
  { name: 'a Chinese prompt, echo off just behind it', command: ask('密码：', 'quick'), ready: '密码：', lookMs: 500 },
  { name: 'a random prompt', command: ask('qZ8-x1', 'none'), ready: 'qZ8-x1' },
  { name: 'no prompt at all', command: ask('', 'none'), ready: '\u001b]0;ready\u0007' },
  { name: 'a prompt that comes while it is typed', command: ask('Later: ', 'late'), ready: '\u001b]0;ready\u0007' },
  { name: 'a prompt that prints stars', command: ask('PIN: ', 'stars'), ready: 'PIN: ' },
]
const typings = [
  { name: 'key by key', steps: byKey(`${secret}\r`) },
  { name: 'with corrections', steps: byKey(`Tr0x\u007fub4dor&3\r`) },
  { name: 'pasted', steps: pasted(`${secret}\r`) },
]
const places = [
  { name: 'in the local terminal', argv: shell, seen: asRead },
  { name: 'where the mode cannot be read', argv: shell, seen: unread },
  { name: 'behind a raw terminal, as in ssh (a second pty, 120 ms away)', argv: far(120, ...shell), seen: asRead },
]

for (const place of places)
  for (const typing of typings)
    real(`a secret typed ${typing.name} ${place.name} is masked, whatever the prompt${note}`, async (t) => {
      const runs = prompts.map(async (prompt) => {
        const { name, command } = prompt
        const kept = keptInput(replayed(await session(place.argv, prompt, typing.steps), place.seen)).toString()
        const [before, after] = [`${command}\r`, 'echo over\rexit\r']
        t.true(kept.startsWith(before) && kept.endsWith(after), `${name}: kept ${JSON.stringify(kept)}`)
        const ofSecret = kept.slice(before.length, -after.length)
        t.regex(ofSecret, /^[\x00-\x1f\x7f]*$/, `${name}: kept ${JSON.stringify(ofSecret)}`)
      })
      await Promise.all(runs)
    })

const inOneFrame = prompts.filter(({ name }) => !/python|stars/.test(name)) // getpass flushes what was typed ahead
for (const place of places)
  real(`a secret pasted together with its command ${place.name} is masked${note}`, async (t) => {
    const runs = inOneFrame.map(async ({ name, command }) => {
      const events = await typedSession({
        argv: place.argv,
        env: { PS1: 'PS> ' },
        steps: [atPrompt, ...pasted(`${command}\n${secret}\n`), { waitFor: '\n' }, atPrompt],
      })
      const kept = keptInput(replayed(events, place.seen)).toString()
      const shown = Buffer.concat(events.filter(({ dir }) => dir === 'out').map(({ data }) => data)).toString()
      t.false(shown.includes(secret), `${name}: the terminal itself shows it`)
      t.false(
        kept.includes(secret.slice(0, 4)) || kept.includes(secret.slice(-4)),
        `${name}: kept ${JSON.stringify(kept)}`,
      )
    })
    await Promise.all(runs)
  })
