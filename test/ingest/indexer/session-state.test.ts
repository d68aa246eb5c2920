import { readFileSync } from 'node:fs'
import test from 'ava'
import { derive } from '#ingest/indexer/derive.ts'
import { loadState, saveState } from '#ingest/indexer/session-state.ts'
import { decoded, exec, recordedSession, shown, typed } from '#test/helpers/recorded-session.ts'

const version1 = readFileSync(new URL('../../fixtures/progress-version-1.json', import.meta.url), 'utf8')

test('progress of the version before goes on in the middle of a typed line', (t) => {
  const session = recordedSession()
  session.first()
  const before = loadState(version1)
  const { state, commands } = derive(
    before,
    decoded(session.next(exec('sort'), typed('mi\r'), shown('mi\r\n\x1b[?2004l\r'), exec('whoami'))),
    null,
  )
  t.deepEqual(
    commands.map(({ number, command: { line, argv, children } }) => [
      number,
      line,
      argv,
      children.map((one) => one.argv),
    ]),
    [
      [1, 'ls', ['ls'], [['sort']]],
      [2, 'whoami', ['whoami'], []],
    ],
  )
  t.deepEqual(loadState(saveState(state)), state)
})

test('progress of a version that is not known is refused', (t) => {
  t.throws(() => loadState('{"version":3}'), { code: 'BTZ_INTERNAL', message: /form 3/ })
})

const longest = 64 * 1024

test('a line is kept whole up to 64 KiB; of a longer one is said how much is missing, and the state stays small', (t) => {
  const session = recordedSession()
  const pasted = (text: string) => [typed(`\x1b[200~${text}\x1b[201~`), shown(text)]
  const prompt = shown('\x1b[?2004h$ ')
  const enter = [typed('\r'), shown('\r\n\x1b[?2004l\r')]
  const first = derive(null, decoded(session.first(prompt, ...pasted('x'.repeat(longest)))), null)
  t.true(saveState(first.state).length < 256 * 1024)
  const whole = derive(first.state, decoded(session.next(...enter)), null)
  t.true(whole.commands[0]?.command.line === 'x'.repeat(longest))
  const cut = derive(whole.state, decoded(session.next(prompt, ...pasted('y'.repeat(longest + 9)), ...enter)), null)
  t.true(cut.commands[0]?.command.line === `${'y'.repeat(longest)}…[9 more characters]`)
  t.true(saveState(cut.state).length < 256 * 1024)
})
