/**
 * Records real shells into test/fixtures/typed-lines/*.json: `node scripts/capture-typed-lines.ts [name …]`.
 * Needs python3, bash, zsh and dash. `history` is what bash itself kept of the lines it ran.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Step, typedSession } from '#test/helpers/typed-session.ts'

const up = '\x1b[A'
const left = '\x1b[D'
const keyMs = 30

/** Types key by key, as a person does; an escape sequence is one key. */
const keys = (text: string): Step[] =>
  (text.match(/\x1b\[[0-9;]*[A-Za-z~]|./gsu) ?? []).map((typed) => ({ typed, afterMs: keyMs }))
const prompt: Step = { waitFor: 'P1$ ' }
const lines = (...typed: string[]): Step[] => typed.flatMap((line) => [prompt, ...keys(`${line}\r`)])
const together = (typed: string): Step => ({ typed, afterMs: keyMs })

const bash = ['bash', '--norc', '--noprofile', '+O', 'cmdhist', '-i']
const oldBash = [...bash, '-o', 'emacs'] // its bracketed paste is switched off by INPUTRC
const captures: Record<string, { argv: string[]; steps: Step[]; env?: Record<string, string> }> = {
  plain: { argv: bash, steps: [...lines('echo one', 'true | cat', '', '  cd /', 'exit 3')] },
  edits: {
    argv: bash,
    steps: lines(
      `echo wrng${left}${left}o`, // insertion in the middle
      'echo abcd\x7f\x7fXY',
      'some rubbish\x15echo kept',
      'echo last word\x17line',
      `cho home\x01e\x05 end`,
      `echo tail cut${'\x02'.repeat(4)}\x0b`,
      `echo dl${left}\x04D`,
      'exit',
    ),
  },
  history: {
    argv: bash,
    steps: [...lines('echo first', 'echo second', up, `${up}${up}${up}`, `${up} and more`, 'exit')],
  },
  search: { argv: bash, steps: lines('echo needle', 'true', '\x12need', '\x12need\x05 found', 'exit') },
  expansion: {
    argv: bash,
    steps: lines('echo again', '!!', 'true !$', 'echo "wow!"', '^wow^now', '!nosuch', 'exit'),
  },
  completion: {
    argv: bash,
    steps: [
      ...lines('mkdir -p tdir/unique_name_one tdir/pair_a tdir/pair_b'),
      ...lines('ls tdir/uni\t', 'ls tdir/pa\t\t\ta/', 'exit'),
    ],
  },
  wrapped: {
    argv: bash,
    steps: lines(
      `echo ${'abcdefghi '.repeat(12)}end`,
      up,
      `${up}\x01#\x05 more`,
      `${up}${'\x02'.repeat(90)}INSERTED\x05`,
      'exit',
    ),
  },
  wide: {
    argv: bash,
    steps: lines('echo 世界 héllo 😀', `${up}${left}${left}${left}X`, `echo ${'漢字'.repeat(25)}`, up, 'exit'),
  },
  pasteBracketed: {
    argv: bash,
    steps: [
      prompt,
      together('\x1b[200~echo p1\necho p2\ncd /\necho p4\necho p5\x1b[201~'),
      together('\r'),
      ...lines('exit'),
    ],
  },
  pasteRaw: {
    argv: bash,
    steps: [prompt, together('echo r1\rcd /\recho r3\recho r4\recho r5\r'), { waitFor: 'r5\r\n' }, ...lines('exit')],
  },
  interrupt: {
    argv: bash,
    steps: [
      ...lines('echo before'),
      prompt,
      ...keys('rm -rf /never'),
      { typed: '\x03', afterMs: 50 },
      ...lines('echo after', 'exit'),
    ],
  },
  program: {
    argv: bash,
    steps: [
      ...lines('cat'),
      ...keys('to the program\r'),
      { waitFor: 'program\r\nto the program' },
      ...keys('\x04'),
      ...lines('exit'),
    ],
  },
  ahead: {
    argv: bash,
    steps: [...lines('sleep 0.6'), ...keys('echo ahead\r'), { waitFor: '\x1b[?2004l\rahead' }, ...lines('exit')],
  },
  keypress: {
    argv: bash,
    steps: [...lines('read -n1 x'), ...keys('q'), ...lines('echo clean', 'exit')],
  },
  fullScreen: {
    argv: bash,
    steps: [
      ...lines("printf '\\033[?1049h'; read -n3 x; printf '\\033[?1049l'"),
      { waitFor: '\x1b[?1049h' },
      ...keys('ab\r'),
      ...lines('echo back', 'exit'),
    ],
  },
  clear: { argv: bash, steps: lines('echo x\x0c y', `${up}\x0c`, 'exit') },
  background: {
    argv: bash,
    steps: [
      ...lines('(sleep 0.4; echo noise) &'),
      prompt,
      ...keys('echo under'),
      { waitFor: 'noise' },
      ...keys(' noise\r'),
      ...lines('exit'),
    ],
  },
  continued: {
    argv: bash,
    steps: [
      prompt,
      ...keys('for i in 1 2; do\r'),
      { waitFor: '> ' },
      ...keys('echo $i\r'),
      { waitFor: '> ' },
      ...keys('done\r'),
      ...lines('exit'),
    ],
  },
  bashWithoutPaste: {
    argv: oldBash,
    env: { INPUTRC: 'inputrc' },
    steps: lines('echo old', up, `echo ab${left}X`, 'exit'),
  },
  dash: { argv: ['dash', '-i'], steps: lines('echo plain', 'echo er\x7frased', 'ls -d /', 'exit') },
  zsh: {
    argv: ['zsh', '-f', '-i'],
    env: { RPROMPT: '[right]' },
    steps: lines('echo zed', up, `echo ab${left}X`, `echo ${'long '.repeat(20)}end`, up, 'exit'),
  },
}

const capture = async (name: string): Promise<void> => {
  const { argv, steps, env } = captures[name]!
  const home = await mkdtemp(join(tmpdir(), 'bartizan-capture-'))
  await writeFile(join(home, 'inputrc'), 'set enable-bracketed-paste off\n')
  const inHome = ['env', '-C', home, '-u', 'ENV', `HOME=${home}`, 'PS1=P1$ ', `HISTFILE=${home}/history`, ...argv]
  const events = await typedSession({ argv: inHome, steps, ...(env && { env }) })
  const frames = events
    .filter(({ dir }) => dir !== 'probe')
    .map(({ tMs, dir, data }) => ({
      atMs: Math.round(tMs),
      stream: dir === 'in' ? 'ttyin' : 'ttyout',
      b64: data.toString('base64'),
    }))
  const file = fileURLToPath(new URL(`../test/fixtures/typed-lines/${name}.json`, import.meta.url))
  const rows = frames.map((frame) => `    ${JSON.stringify(frame)}`).join(',\n')
  const history = (await readFile(join(home, 'history'), 'utf8').catch(() => '')).split('\n').slice(0, -1)
  const head = `  "argv": ${JSON.stringify(argv)},\n  "cols": 80,\n  "history": ${JSON.stringify(history)},\n`
  await writeFile(file, `{\n${head}  "frames": [\n${rows}\n  ]\n}\n`)
  await rm(home, { recursive: true })
  process.stdout.write(`${name}: ${frames.length} frames\n`)
}

const names = process.argv.slice(2)
for (const name of names.length > 0 ? names : Object.keys(captures)) {
  await capture(name).catch((error: unknown) => {
    process.exitCode = 1
    process.stderr.write(`${name}: ${(error as Error).message}\n`)
  })
}
