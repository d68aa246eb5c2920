import { derive } from '#ingest/indexer/derive.ts'
import { decodeBatchHeader } from '#services/recordings/format/frame-batch.ts'
import { recordedSession, shown, typed } from '#test/helpers/recorded-session.ts'

/** What the indexer spends on terminal output, in frames of 4 KB; run: `node bench/derive.ts` */
const frameBytes = 4096
const framesEach = 60
const repeats = 200

const text = 'the quick brown fox jumps over the lazy dog 0123456789\r\n'.repeat(200)
const colours = '\x1b[01;34mdir\x1b[0m  \x1b[01;32mfile.sh\x1b[0m  plain.txt\r\n'.repeat(200)
const noLineEnd = 'progress [=====>     ] 42 % done, more of it \r'.repeat(200)
const redraw = '\x1b[12;40H\x1b[K text of an editor \x1b[7mstatus\x1b[m'.repeat(200)

const cases: Record<string, { before: ReturnType<typeof shown>[]; output: string }> = {
  'flood of lines': { before: [], output: text },
  'flood with colours': { before: [], output: colours },
  'flood without a line end': { before: [], output: noLineEnd },
  'full-screen program': { before: [shown('\x1b[?1049h')], output: redraw },
  'flood while a line is typed to a program': {
    before: [shown('\x1b[?2004h$ \x1b[?2004l'), typed('ls')],
    output: text,
  },
  'flood while a line is being typed': { before: [shown('$ '), typed('ls')], output: text },
}

const measure = ({ before, output }: (typeof cases)[string]) => {
  const session = recordedSession()
  let { state } = derive(null, decodeBatchHeader(session.first(...before)), null)
  const frame = shown(output.slice(0, frameBytes))
  const batch = decodeBatchHeader(session.next(...Array.from({ length: framesEach }, () => frame)))
  const startMs = performance.now()
  for (let n = 0; n < repeats; n++) state = derive(state, batch, null).state
  const ms = performance.now() - startMs
  const frames = framesEach * repeats
  return {
    'us per frame': Number(((ms * 1000) / frames).toFixed(2)),
    'MB/s': Math.round((frames * frameBytes) / 1e3 / ms),
  }
}

for (const one of Object.values(cases)) measure(one) // compiled before it is measured
console.table(Object.fromEntries(Object.entries(cases).map(([name, one]) => [name, measure(one)])))
