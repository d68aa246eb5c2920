import test from 'ava'
import fc from 'fast-check'
import { endTyping, takeMasked, takeResize, takeShown, takeTyped } from '#ingest/indexer/typed/typed-lines.ts'
import { newTypedLines, type ToldLine, type TypedLines } from '#ingest/indexer/typed/typing.ts'
import { type TypedFrame, typedFixture } from '#test/helpers/typed-line-fixture.ts'

type Told = { text: string | null; atMs: number; taken: boolean }

/** Lines as they are told; a line run later than it was told counts as taken then. */
const listen = () => {
  const told: Told[] = []
  return {
    told,
    texts: () => told.map(({ text }) => text),
    listener: {
      line: ({ text, atMs, taken }: ToldLine) => void told.push({ text, atMs, taken }),
      secretTaken: () => void told.push({ text: null, atMs: 0, taken: true }),
      expanded: (text: string) => {
        told.at(-1)!.text = text
      },
      takenNow: (shown: string) => {
        const ahead = told.find((line) => !line.taken && line.text !== null && shown.trimEnd().endsWith(line.text))
        if (ahead) ahead.taken = true
        return ahead !== undefined
      },
      hasUntaken: () => told.some(({ taken }) => !taken),
    },
  }
}

type Input = { typed: string } | { shown: string } | { masked: true } | { cols: number }
const run = (state: TypedLines, inputs: Input[], { listener } = listen()) => {
  for (const [index, input] of inputs.entries()) {
    if ('typed' in input) takeTyped(state, Buffer.from(input.typed), index, listener)
    else if ('shown' in input) takeShown(state, Buffer.from(input.shown), listener)
    else if ('masked' in input) takeMasked(state)
    else takeResize(state, input.cols)
  }
}

/** Plays frames; `between` may exchange the state after each. */
const play = (cols: number, frames: TypedFrame[], between = (state: TypedLines): TypedLines => state) => {
  const heard = listen()
  let state = newTypedLines(cols)
  for (const { atMs, stream, data } of frames) {
    if (stream === 'ttyin') takeTyped(state, data, atMs, heard.listener)
    else takeShown(state, data, heard.listener)
    state = between(state)
  }
  const shown = { ...state.screen, params: '', partial: null }
  endTyping(state, heard.listener)
  return { ...heard, shown }
}

const long = `echo ${'abcdefghi '.repeat(12)}end`
const withInsertion = `#${long} more`
const expected: Record<string, string[]> = {
  plain: ['echo one', 'true | cat', '  cd /', 'exit 3'],
  edits: ['echo wrong', 'echo abXY', 'echo kept', 'echo last line', 'echo home end', 'echo tail', 'echo dD', 'exit'],
  history: ['echo first', 'echo second', 'echo second', 'echo first', 'echo first and more', 'exit'],
  search: ['echo needle', 'true', 'echo needle', 'echo needle found', 'exit'],
  expansion: ['echo again', 'echo again', 'true again', 'echo "wow!"', 'echo "now!"', '!nosuch', 'exit'],
  completion: [
    'mkdir -p tdir/unique_name_one tdir/pair_a tdir/pair_b',
    'ls tdir/unique_name_one/',
    'ls tdir/pair_a/',
    'exit',
  ],
  wrapped: [long, long, withInsertion, `${withInsertion.slice(0, -90)}INSERTED${withInsertion.slice(-90)}`, 'exit'],
  wide: ['echo 世界 héllo 😀', 'echo 世界 héllXo 😀', `echo ${'漢字'.repeat(25)}`, `echo ${'漢字'.repeat(25)}`, 'exit'],
  pasteBracketed: ['echo p1', 'echo p2', 'cd /', 'echo p4', 'echo p5', 'exit'],
  pasteRaw: ['echo r1', 'cd /', 'echo r3', 'echo r4', 'echo r5', 'exit'],
  interrupt: ['echo before', 'echo after', 'exit'],
  program: ['cat', 'to the program', 'exit'],
  ahead: ['sleep 0.6', 'echo ahead', 'exit'],
  keypress: ['read -n1 x', 'echo clean', 'exit'],
  fullScreen: ["printf '\\033[?1049h'; read -n3 x; printf '\\033[?1049l'", 'echo back', 'exit'],
  clear: ['echo x y', 'echo x y', 'exit'],
  background: ['(sleep 0.4; echo noise) &', 'echo under noise', 'exit'],
  continued: ['for i in 1 2; do', 'echo $i', 'done', 'exit'],
  bashWithoutPaste: ['echo old', 'echo old', 'echo aXb', 'exit'],
  dash: ['echo plain', 'echo erased', 'ls -d /', 'exit'],
  zsh: ['echo zed', 'echo zed', 'echo aXb', `echo ${'long '.repeat(20)}end`, `echo ${'long '.repeat(20)}end`, 'exit'],
}
const names = Object.keys(expected)

for (const [name, lines] of Object.entries(expected)) {
  test(`real shell, ${name}: the lines that were typed`, (t) => {
    const { cols, frames } = typedFixture(name)
    t.deepEqual(play(cols, frames).texts(), lines)
  })
}

test('bash kept the same lines in its own history', (t) => {
  const notKept: Record<string, string[]> = { expansion: ['!nosuch'], program: ['to the program'] }
  for (const name of names.filter((one) => one !== 'dash' && one !== 'zsh')) {
    const { cols, frames, history } = typedFixture(name)
    const lines = play(cols, frames).texts()
    t.deepEqual(
      lines.filter((line) => !notKept[name]?.includes(line!)),
      history,
      name,
    )
  }
})

test('a line is told at the moment its Enter was pressed', (t) => {
  const { cols, frames } = typedFixture('plain')
  const enters = frames.filter(({ stream, data }) => stream === 'ttyin' && data.includes(13)).map(({ atMs }) => atMs)
  const told = play(cols, frames).told.map(({ atMs }) => atMs)
  t.deepEqual(told, [enters[0], enters[1], enters[3], enters[4]] as number[]) // enters[2] was an empty line
})

const cut = (frames: TypedFrame[], borders: number[]): TypedFrame[] => {
  let n = 0
  return frames.flatMap((frame) => {
    const pieces: TypedFrame[] = []
    let rest = frame.data
    while (rest.length > 0) {
      const length = Math.min(rest.length, borders[n++ % borders.length]!)
      pieces.push({ ...frame, data: rest.subarray(0, length) })
      rest = rest.subarray(length)
    }
    return pieces
  })
}

test('the same lines come out wherever frames are cut, and when the state is saved and restored between them', (t) => {
  fc.assert(
    fc.property(
      fc.constantFrom(...names),
      fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 40 }),
      fc.boolean(),
      (name, borders, restores) => {
        const { cols, frames } = typedFixture(name)
        const restored = (state: TypedLines): TypedLines => JSON.parse(JSON.stringify(state)) as TypedLines
        const cutUp = play(cols, cut(frames, borders), restores ? restored : undefined)
        t.deepEqual(cutUp.told, play(cols, frames).told)
      },
    ),
    { numRuns: 60 },
  )
})

const hostile = fc.array(
  fc.oneof(
    fc.constantFrom(
      '\x1b[?2004h',
      '\x1b[?2004l',
      '\x1b[?1049h',
      '\x1b[?1049l',
      '\x1b[?47;2004l',
      '\x1b[9999C',
      '\x1b]0;',
    ),
    fc.constantFrom(
      '\r',
      '\n',
      '\x1b',
      '\x1b[',
      '\x07',
      '\x08',
      '漢',
      '\u0301',
      '\x1b[K',
      '\x1b[2J',
      '\x1b[5A',
      '\x1b[3P',
    ),
    fc.string({ maxLength: 12 }),
  ),
  { maxLength: 60 },
)

test('whatever is shown and typed, skipping output gives the same screen as reading every byte', (t) => {
  fc.assert(
    fc.property(
      hostile,
      hostile,
      fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
      (shown, typed, borders) => {
        const frames: TypedFrame[] = shown.flatMap((text, n) => [
          { atMs: n, stream: 'ttyout' as const, data: Buffer.from(text + (shown[n + 1] ?? '')) },
          ...(n % 3 === 0 ? [{ atMs: n, stream: 'ttyin' as const, data: Buffer.from(typed[n] ?? '') }] : []),
        ])
        const [cutUp, whole] = [play(80, cut(frames, borders)), play(80, frames)]
        t.deepEqual(cutUp.told, whole.told)
        t.deepEqual(cutUp.shown, whole.shown)
      },
    ),
    { numRuns: 300 },
  )
})

test('a masked line is none, whether a shell or another program asked for it', (t) => {
  const heard = listen()
  const prompt = '\x1b[?2004h$ '
  const ask = '\r\n\x1b[?2004l\rPassword: '
  run(
    newTypedLines(80),
    [
      { shown: prompt },
      { typed: 'su\r' },
      { shown: `su${ask}` },
      { masked: true },
      { typed: '\r' },
      { shown: `\r\n${prompt}` },
      { typed: 'id\r' },
      { shown: 'id\r\n\x1b[?2004l\r' },
      { shown: prompt },
      { masked: true },
      { typed: 'x\r' },
      { shown: '\r\n\x1b[?2004l\r' },
    ],
    heard,
  )
  t.deepEqual(heard.texts(), ['su', 'id', null])
})

test('answers of the terminal are not typed', (t) => {
  const heard = listen()
  const answers =
    '\x1b[24;80R\x1b[?62;22c\x1b[I\x1b[O\x1b[<0;10;10M\x1b[M abc\x1b]11;rgb:0000/0000/0000\x07\x1bP>|xterm\x1b\\'
  run(newTypedLines(80), [{ shown: '$ ' }, { typed: `${answers}ls\r` }, { shown: 'ls\r\n' }], heard)
  t.deepEqual(heard.texts(), ['ls'])
})

test('a key that begins like an answer of the terminal hides no line', (t) => {
  const heard = listen()
  run(newTypedLines(80), [{ shown: '$ ' }, { typed: '\x1b]rm -rf x\rid\r' }, { shown: 'rm -rf x\r\n$ id\r\n' }], heard)
  t.is(heard.texts().at(-1), 'id')
})

test('a prompt that was never seen is told from the line by its usual end', (t) => {
  const heard = listen()
  const screen = newTypedLines(80)
  run(screen, [{ typed: 'x\x7f\x1b[A\r' }, { shown: '[root@host /etc]# systemctl stop auditd\r\n' }], heard)
  t.deepEqual(heard.texts(), ['systemctl stop auditd'])
})

test('the state stays small whatever is typed or shown', (t) => {
  const state = newTypedLines(1_000)
  const heard = listen()
  for (let n = 0; n < 50; n++) {
    run(
      state,
      [{ typed: `${'漢'.repeat(3_000)}${n % 5 === 0 ? '\r' : '\x01'}` }, { shown: '字\x1b[1;1m'.repeat(3_000) }],
      heard,
    )
  }
  t.true(JSON.stringify(state).length < 64 * 1024, `${JSON.stringify(state).length}`)
})
