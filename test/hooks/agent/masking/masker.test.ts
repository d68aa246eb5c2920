import test from 'ava'
import type { TtyMode } from '#hooks/hook.ts'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { createReplay, keptInput, maskedBytes, maskingConfig, rulesOf } from '#test/helpers/masked-replay.ts'

/** `> keys` typed, `< output`, `? mode` read; a number is the time in ms from then on, else 20 ms pass. */
type Trace = (string | number)[]

const play = (trace: Trace, mode: TtyMode = 'raw') => {
  const replay = createReplay()
  let nowMs = 0
  let seen = mode
  for (const entry of trace) {
    if (typeof entry === 'number') {
      nowMs = entry
      continue
    }
    const text = entry.slice(2)
    if (entry[0] === '?') {
      seen = text as TtyMode
      replay.observe(seen, nowMs)
    } else replay.push(entry[0] === '>' ? Stream.TTYIN : Stream.TTYOUT, Buffer.from(text), nowMs, seen)
    nowMs += 20
  }
  return replay.end(nowMs + 10_000)
}
const echoed = (text: string): Trace => [...text].flatMap((key) => [`> ${key}`, `< ${key}`])
const silent = (text: string): Trace => [...text].map((key) => `> ${key}`)
const prompt = '< \r\n\u001b[?2004h\u001b]0;bob@h: ~\u0007bob@h:~$ '
const vimIn = '< \u001b[?1049h\u001b[22;0;0t\u001b[1;1H'

type Case = { name: string; trace: Trace; kept: string; rules: string[]; mode?: TtyMode }
const cases: Case[] = [
  { name: 'readline: each key echoed', trace: [...echoed('ls -la'), '> \r', prompt], kept: 'ls -la\r', rules: [] },
  {
    name: 'readline: a key in the middle of the line',
    trace: [...echoed('ab'), '> \u001b[D', '< \b', '> x', '< \u001b[1@x', '> \r', prompt],
    kept: 'ab\u001b[Dx\r',
    rules: [],
  },
  {
    name: 'zsh: the key before is drawn again',
    trace: ['> l', '< l', '> s', '< \bls', '> \r', prompt],
    kept: 'ls\r',
    rules: [],
  },
  {
    name: 'node: prompt and line are drawn again',
    trace: ['> o', '< \u001b[1G\u001b[0J> o\u001b[4G', '> s', '< \u001b[1G\u001b[0J> os\u001b[5G', '> \r', '< \r\n'],
    kept: 'os\r',
    rules: [],
  },
  {
    name: 'history search',
    trace: ['> \u0012', "< \r(reverse-i-search)`': ", '> s', "< \b\b\bs': ssh web\b\b\b\b\b\b\b", '> \r', prompt],
    kept: '\u0012s\r',
    rules: [],
  },
  {
    name: 'completion that only rings',
    trace: [...echoed('ls x'), '> \t', '< \u0007', ...echoed('y'), '> \r', prompt],
    kept: 'ls x\ty\r',
    rules: [],
  },
  {
    name: 'a remote 300 ms away, keys ahead of their echo',
    trace: [0, '> l', 120, '> s', 240, '> \r', 300, '< l', 420, '< s', 540, '< \r\nfile\r\n', prompt],
    kept: 'ls\r',
    rules: [],
  },
  {
    name: 'echo of many keys in one',
    trace: [...silent('uptime'), '< uptime', '> \r', prompt],
    kept: 'uptime\r',
    rules: [],
  },
  {
    name: 'pasted lines',
    trace: ['> pwd\rid -u\r', '< pwd\r\n/root\r\n$ id -u\r\n0\r\n$ '],
    kept: 'pwd\rid -u\r',
    rules: [],
  },
  { name: 'lines of a cooked program', trace: ['> yes\n', '< yes\r\n'], mode: 'echo', kept: 'yes\n', rules: [] },
  { name: 'keys in echo mode', trace: silent('yes'), mode: 'echo', kept: 'yes', rules: [] },
  {
    name: 'UTF-8 keys',
    trace: [...echoed('größe 世界'), '> \r', prompt],
    kept: 'größe 世界\r',
    rules: [],
  },
  { name: '"press any key"', trace: ['< --More--', '> q', '< bye\r\n'], kept: 'q', rules: [] },
  {
    name: 'vim: keys without a visible answer between others',
    trace: [
      vimIn,
      ...['j', 'l', 'j'].flatMap((key) => [`> ${key}`, '< \u001b[2;1H']),
      ...silent('yyma'),
      '> p',
      '< \u001b[3;1Hline\u001b[K',
      '> \r',
    ],
    kept: 'jljyymap\r',
    rules: [],
  },
  {
    name: 'vim: j held down on the last line',
    trace: [vimIn, '> G', '< \u001b[24;1H', '> \r', '< \u0007', ...silent('jjjjjjjj'), '< \u0007'],
    kept: 'G\rjjjjjjjj',
    rules: [],
  },
  {
    name: 'bracketed paste larger than the screen',
    trace: [vimIn, `> \u001b[200~${'first line\rsecond\rlast line'}\u001b[201~`, '< \u001b[24;1Hlast line\u001b[K'],
    kept: '\u001b[200~first line\rsecond\rlast line\u001b[201~',
    rules: [],
  },
  // Secrets
  {
    name: 'ssh password, local terminal raw',
    trace: ["< bob@h's password: ", 500, ...silent('hunter2'), '> \r', '< \r\n', 900, '< Welcome\r\n', prompt],
    kept: '\r',
    rules: ['unanswered'],
  },
  {
    name: 'the next command typed at once is no echo of the password',
    trace: ['< Password: ', ...silent('history9'), '> \r', '< \r\n$ ', ...echoed('history'), '> \r', prompt],
    kept: '\rhistory\r',
    rules: ['unanswered'],
  },
  {
    name: 'corrections in a password',
    trace: ['< Wachtwoord: ', ...silent('hux\u007fnter2\u0015hunter2'), '> \n', '< \r\n'],
    kept: '\u007f\u0015\n',
    rules: ['unanswered'],
  },
  {
    name: 'given up with ^C',
    trace: ['< Пароль: ', ...silent('hunter'), '> \u0003', '< ^C\r\n$ '],
    kept: '\u0003',
    rules: ['unanswered'],
  },
  {
    name: 'pasted password',
    trace: ['< 密码：', '> hunter2\r', '< \r\nLast login: today\r\n', prompt],
    kept: '\r',
    rules: ['unanswered'],
  },
  {
    name: 'bracketed paste of a password',
    trace: ['< Password: ', '> \u001b[200~hunter2\u001b[201~', '> \r', '< \r\nLast login\r\n'],
    kept: '\u001b[200~\u001b[201~\r',
    rules: ['unanswered'],
  },
  {
    name: 'typed before the prompt is there',
    trace: [...silent('hunter2'), '< [sudo] password for bob: ', '> \r', '< \r\n'],
    kept: '\r',
    rules: ['unanswered'],
  },
  {
    name: 'stars',
    trace: ['< PIN: ', ...[...'hunter2'].flatMap((key) => [`> ${key}`, '< *']), '> \r', '< \b \b\b \b\r\n'],
    kept: '\r',
    rules: ['mask-echo'],
  },
  {
    name: 'bullets, one erased',
    trace: ['> h', '< •', '> x', '< •', '> \u007f', '< \b \b', '> u', '< •', '> \r', '< \r\n'],
    kept: '\u007f\r',
    rules: ['mask-echo'],
  },
  {
    name: 'a prompt that draws itself again with stars',
    trace: ['> h', '< \u001b[2K\u001b[G? Password: *', '> u', '< \u001b[2K\u001b[G? Password: **', '> \r', '< \r\n'],
    kept: '\r',
    rules: ['mask-echo'],
  },
  {
    name: 'bells for each key',
    trace: [...[...'hunter2'].flatMap((key) => [`> ${key}`, '< \u0007']), '> \r', '< \r\n'],
    kept: '\r',
    rules: ['unanswered'],
  },
  {
    name: 'titles, colours and blanks while typing',
    trace: [
      '> h',
      '< \u001b]0;clock 12:00\u0007',
      '> u',
      '< \u001b[0m',
      '> nter2',
      '< \u001b[?25l \u001b[?25h',
      '> \r',
      '< \r\n',
    ],
    kept: '\r',
    rules: ['unanswered'],
  },
  {
    name: 'password in tmux, on the alternate screen',
    trace: [vimIn, ...echoed('ssh h'), '> \r', '< \r\nPassword: ', 3000, ...silent('hunter2'), '> \r', '< \r\n'],
    kept: 'ssh h\r\r',
    rules: ['unanswered'],
  },
  { name: 'ICANON without ECHO', trace: silent('hunter2\r'), mode: 'no_echo', kept: '\r', rules: ['tty-no-echo'] },
  {
    name: 'echo restored before the frame is here',
    trace: ['? no_echo', '< Password: ', '? no_echo', '? echo', '> hunter2\n', '< \r\nok\r\n'],
    kept: '\n',
    rules: ['tty-no-echo'],
  },
  {
    name: 'the prompt was seen without echo, the frame arrives in raw mode',
    trace: ['< Password: ', '? no_echo', '> hun', '? raw', '> ter2\r', '< \r\n$ '],
    kept: '\r',
    rules: ['tty-no-echo'],
  },
  {
    name: 'the mode was never read in time: text and Enter in one frame without echo',
    trace: ['< Password: ', '> hunter2\n', '< \r\n'],
    mode: 'echo',
    kept: '\n',
    rules: ['tty-no-echo'],
  },
  {
    name: 'the command that turns the echo off is kept, its answer not',
    trace: ['> read -s x\r', '? no_echo', '< read -s x\r\n', 500, '> hunter2\r', '? raw', prompt],
    kept: 'read -s x\r\r',
    rules: ['tty-no-echo'],
  },
]

for (const { name, trace, kept, rules, mode } of cases)
  test(`${rules.length === 0 ? 'kept' : 'masked'}: ${name}`, (t) => {
    const passed = play(trace, mode)
    t.is(keptInput(passed).toString(), kept)
    t.deepEqual(rulesOf(passed), rules)
    t.is(maskedBytes(passed) > 0, rules.length > 0)
  })

test('a frame is cut into kept and masked ones, its delay stays on the first', (t) => {
  const replay = createReplay()
  replay.push(Stream.TTYIN, Buffer.from('\u001b[Ahunter2\r'), 0, 'no_echo', 77n)
  t.deepEqual(
    replay.passed.map(({ frame }) => ({ ...frame, data: Buffer.from(frame.data).toString() })),
    [
      { delayNs: 77n, stream: Stream.TTYIN, data: '\u001b[A' },
      { delayNs: 0n, stream: Stream.TTYIN, data: '', masked: { length: 7, rule: 'tty-no-echo' } },
      { delayNs: 0n, stream: Stream.TTYIN, data: '\r' },
    ],
  )
})

test('output behind held keys waits 0.9 s at most, keys 2 s, and nothing stays', (t) => {
  const replay = createReplay()
  replay.push(Stream.TTYIN, Buffer.from('h'), 0, 'raw')
  replay.push(Stream.TTYOUT, Buffer.from('\u0007'), 1000, 'unknown')
  replay.tickUntil(1899)
  t.is(replay.passed.length, 0)
  replay.tickUntil(1900)
  t.is(replay.passed.length, 2)
  replay.push(Stream.TTYIN, Buffer.from('u'), 3000, 'raw')
  replay.tickUntil(4999)
  t.is(replay.passed.length, 2)
  replay.tickUntil(5000)
  t.deepEqual(rulesOf(replay.passed), ['undecided-limit'])
})

test('more typed text than may be held is masked, oldest first', (t) => {
  const replay = createReplay()
  for (let index = 0; index < 50; index++)
    replay.push(Stream.TTYIN, Buffer.from(`${index}`.padStart(100, 'x')), index, 'raw')
  t.is(maskedBytes(replay.passed), 1000)
  t.deepEqual(rulesOf(replay.passed), ['undecided-limit'])
})

test('a flood of output behind a held key is held up to 256 KiB', (t) => {
  const replay = createReplay()
  replay.push(Stream.TTYIN, Buffer.from('hunter2'), 0, 'raw')
  const flood = (): void => replay.push(Stream.TTYOUT, Buffer.alloc(4096, 'x\r\n'), 1, 'unknown')
  for (let index = 0; index < 64; index++) flood()
  t.is(replay.passed.length, 0)
  flood()
  t.is(replay.passed.length, 66)
  t.is(maskedBytes(replay.passed), 7)
})

test('what is undecided at the end is masked', (t) => {
  const replay = createReplay()
  replay.push(Stream.TTYIN, Buffer.from('hu'), 0, 'raw')
  t.deepEqual(rulesOf(replay.end(10)), ['undecided-end'])
})

test('a mode seen once does not outlive the line it was seen for', (t) => {
  const passed = play(['? no_echo', ...silent('hunter2\r'), '? unknown', '< \r\n', vimIn, '> j', '< \u001b[2;1H'])
  t.is(keptInput(passed).toString(), '\rj')
})

test('the limits come from the configuration', (t) => {
  t.deepEqual([maskingConfig.holdMs, maskingConfig.holdBytes, maskingConfig.answerMs], [2000, 4096, 1000])
})
