import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { judge } from '#test/helpers/typist/judge.ts'
import { derived, foundOf, loadRecording } from '#test/helpers/typist/recording.ts'

const folder = fileURLToPath(new URL('../../fixtures/typed-sessions/', import.meta.url))
const names = readdirSync(folder).filter((name) => name.endsWith('.json.gz'))

for (const name of names) {
  test(`${name}: at least 98 of 100 typed lines are found to the letter, and 99 of 100 execs with their line`, async (t) => {
    const recording = await loadRecording(`${folder}${name}`)
    const commands = derived(recording)
    const { typed, found, exact, execs, execsRight, wrong, confidences } = judge(recording.typed, foundOf(commands))
    t.true(typed > 60 && execs > 20, `${typed} lines, ${execs} execs`)
    t.true(exact >= 0.98 * typed && exact >= 0.98 * found, wrong.join('\n'))
    t.true(execsRight >= 0.99 * execs, wrong.join('\n'))
    t.is(confidences.length, found)
    const sure = confidences.filter(({ confidence }) => confidence >= 0.98)
    t.true(sure.filter(({ right }) => right).length >= 0.98 * sure.length)
    for (const secret of recording.secrets) t.false(JSON.stringify(commands).includes(secret))
  })
}

test('the judge sees what is missing, wrong, made up, out of order, and with the wrong line', (t) => {
  const row = (line: string, ...execs: string[]) => ({ line, execs: execs.map((words) => words.split(' ')) })
  const typed = ['ls t1q', 'id t2q', 'wc t3q', 'cd t4q']
  const rows = [row('ls t1q', 'ls t1q', 'wc t3q'), row('rm t9q'), row('wc t3'), row('cd t4q'), row('id t2q', 'id t2q')]
  const { found, exact, execs, execsRight, wrong } = judge(typed, rows)
  t.deepEqual([found, exact, execs, execsRight], [5, 2, 3, 2])
  t.true(wrong.includes('- wc t3q') && wrong.includes('+ rm t9q') && wrong.includes('? t3q: ls t1q'))
})
