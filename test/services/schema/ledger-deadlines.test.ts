import { readFile } from 'node:fs/promises'
import test from 'ava'
import { DetectorSettings } from '#services/schema/detector-settings.ts'
import { type Deadline, deadlines, gapStates } from '#services/schema/ledger-deadlines.ts'

const after = (ms: number): string => {
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000} h`
  return ms % 60_000 === 0 && ms > 60_000 ? `${ms / 60_000} min` : `${ms / 1_000} s`
}
const rowOf = ({ gap, from, afterMs, setting, alert, resolves }: Deadline): string =>
  `| \`${gap}\` | ${from} | ${after(afterMs)} | ${setting === null ? 'none' : `\`${setting}\``} | ${alert} | ${resolves} |`

test('the page shows the table of deadlines as it is', async (t) => {
  const page = await readFile(new URL('../../../docs/operations/coverage.md', import.meta.url), 'utf8')
  const rows = page.split('\n').filter((line) => /^\| `/.test(line))
  t.deepEqual(rows, deadlines.map(rowOf))
})

test('settings wait as long as the table says, and every gap is in it', (t) => {
  const settings = DetectorSettings.parse({}).recordingGap
  const of = (gap: string) => deadlines.find((one) => one.gap === gap)?.afterMs
  t.is(of('missing'), settings.graceMs)
  t.is(of('tunnel_only'), settings.graceMs)
  t.is(of('late'), settings.silentMs)
  t.deepEqual([...new Set(deadlines.map(({ gap }) => gap))].sort(), [...gapStates, 'agent_silent'].sort())
})
