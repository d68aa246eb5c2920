import { edits } from './edits.ts'
import { type Act, type Bench, enter, k, type Step } from './steps.ts'

/** What people do at the prompt of bash and zsh. */

const commands: ((tag: string) => string)[] = [
  (tag) => `ls -d ${tag} /etc`,
  (tag) => `expr length ${tag}`,
  (tag) => `/bin/true ${tag} with more`,
  (tag) => `env true ${tag} -x`,
  (tag) => `echo built in ${tag}`,
  (tag) => `grep -c ${tag} /etc/hosts | cat - ${tag}`,
  (tag) => `date -d 2020-01-01 +%Y${tag} && basename /tmp/${tag}`,
  (tag) => `printf '%s\\n' ${tag} b  c | grep -n ${tag}`,
  (tag) => `x=$(basename /a/${tag}) ; echo $x`,
  (tag) => `ll -d /usr ${tag}`,
  (tag) => `./several.sh ${tag}`,
  (tag) => `cd . # ${tag} "quoted words"`,
  (tag) => `both ${tag} again`,
]
const command = ({ pick, tag }: Bench): string => pick(commands)(tag())

const edited: Act = (bench) => enter(bench.pick(edits)(bench, command(bench)))
/** A few lines that may run again: what is recalled must not start a program that waits for somebody. */
const before = (bench: Bench, acts: (count: number) => Step[]): Step[] => {
  const count = bench.upTo(3)
  return [...Array.from({ length: count }, () => enter(command(bench))).flat(), ...acts(count)]
}
const recalled: Act = (bench) =>
  before(bench, (count) => {
    const ups = bench.upTo(count)
    const keys = bench.pick([k.up, '\x10', '\x1bOA']).repeat(ups) + (ups > 1 ? bench.pick(['', k.down]) : '')
    return enter(`${keys}${bench.pick(['', '\x05'])} ${bench.tag()}`)
  })
const recalledAsItIs: Act = (bench) => before(bench, (count) => enter(k.up.repeat(bench.upTo(count))))
const recalledAndChanged: Act = ({ tag, upTo }) => enter(`${k.up.repeat(upTo(3))}\x01echo ${tag()} # ${k.end}`)
const givenUp: Act = ({ upTo, tag }) => enter(`${k.up.repeat(upTo(3))}\x15echo ${tag()}`)
const searched: Act = (bench) => [
  ...enter(`echo needle ${bench.tag()} of hay`),
  ...before(bench, () => enter(`\x12${bench.pick(['need', 'le t', 'ho n'])}\x05 ${bench.tag()}`)),
]
const searchedAsItIs: Act = (bench) => [
  ...enter(`echo pin ${bench.tag()} of hay`),
  ...enter(`echo pin ${bench.tag()} of hay`),
  ...enter(`\x12pin${bench.pick(['', '\x12'])}`),
]
const repeated: Act = (bench) => [...enter(command(bench)), ...enter(bench.pick(['!!', '!! more', 'echo !$', '!ec']))]
const replaced: Act = ({ tag }) => [...enter(`echo before ${tag()}`), ...enter('^before^after')]
const lastWord: Act = ({ tag }) => [...enter(`echo first ${tag()}`), ...enter(`echo \x1b. ${tag()}`)]

const completed: Act = ({ pick, tag }) => {
  const word = tag()
  return enter(
    pick([
      `ls -d uni\t ${word}`,
      `expr ${word} = al\tgam\t`,
      `base\t${word}`,
      `ls -d deep/\t\t ${word}`,
      `echo ${word} uni\t${k.backspace.repeat(2)}z`,
    ]),
  )
}
const completedInPart: Act = ({ tag }) => {
  const word = tag()
  return [{ keys: `ls -d ${word} pa\t\t` }, { pauseMs: 60 }, ...enter('ir\tbe\t')]
}

const more = (...lines: string[]): Step[] => [
  ...lines.slice(0, -1).flatMap((line): Step[] => [{ keys: `${line}\r` }, { waitFor: 'more' }]),
  ...enter(lines.at(-1)!),
]
const loop: Act = ({ tag }) => more('for i in 1 2; do', `  expr length ${tag()}`, `  basename $i/${tag()}`, 'done')
const branch: Act = ({ tag }) => more(`if /bin/true ${tag()}; then`, `  expr ${tag()} = b`, 'fi')
const openQuote: Act = ({ tag, pick }) => {
  const [word, quote] = [tag(), pick(['"', "'"])]
  return more(`/bin/echo ${quote}first ${word}`, 'second of it', `  third${quote}`)
}
const continued: Act = ({ tag }) => more(`basename /usr/${tag()} \\`, '  .x')
const hereDocument: Act = ({ tag }) => {
  const word = tag()
  return more(`grep ${word} <<EOF`, `text of ${word}`, 'rm -rf looks like a command', 'EOF')
}
const piped: Act = ({ tag }) => more(`/bin/echo ${tag()} |`, `grep -c ${tag()}`)
const definition: Act = ({ tag }) => [
  ...more('both() {', '  ls -d "$1"', '  basename "$1"', '}'),
  ...enter(`both ${tag()}`),
]
const editedBlock: Act = ({ tag }) =>
  more(
    `while expr lenght${k.left}${k.left}${k.left}\x14${k.end} ${tag()}; do`,
    `  brk\x02\x02re\x05${k.backspace}eak${k.backspace.repeat(4)}reak\x15break`,
    'done',
  )

const bracketed = (text: string): string => `\x1b[200~${text}\x1b[201~`
const pastedLine: Act = (bench) => [{ together: bracketed(command(bench)) }, { pauseMs: 30 }, ...enter('')]
const pastedBlock: Act = (bench) => {
  const lines = Array.from({ length: bench.pick([2, 5, 20]) }, () => command(bench))
  const [end, between] = [bench.pick(['', '\r']), bench.pick(['\r', '\n'])]
  return [{ together: bracketed(lines.join(between) + end) }, { pauseMs: 80 }, ...enter('')]
}
const pastedInTheMiddle: Act = ({ tag }) => [
  { keys: `echo  ${tag()}${k.left.repeat(4)}` },
  { together: bracketed('pasted words') },
  ...enter(''),
]
const pastedRaw: Act = (bench) => [
  { together: Array.from({ length: bench.upTo(5) }, () => `echo raw ${bench.tag()}\r`).join('') },
  { pauseMs: 250 },
  ...enter(''),
]

const long: Act = (bench) => {
  const words = Array.from({ length: 8 + bench.upTo(22) }, () =>
    bench.pick(['word', 'longer-one', 'a', '世界', 'x=1']),
  ).join(' ')
  return enter(bench.pick(edits)(bench, `echo ${bench.tag()} ${words}`))
}
const longRecalled: Act = (bench) => [
  ...long(bench),
  ...enter(`${k.up}\x02\x02${'\x02'.repeat(bench.upTo(60))}INS\x05 ${bench.tag()}`),
]
const wide: Act = ({ tag, pick, upTo }) =>
  enter(
    `echo ${tag()} ${pick(['世界 überall', 'é e\u0301 ñ', '😀 gut', '漢字かな', 'Ωmega ½'])} end${k.left.repeat(upTo(6))}${pick(['X', '字', k.backspace])}`,
  )

const aborted: Act = ({ tag }) => [{ keys: `rm -rf /never/${tag()}` }, { keys: '\x03' }, { waitFor: 'prompt' }]
const nothing: Act = ({ pick }) => enter(pick(['', '  ', '\x0c']))
const cleared: Act = ({ tag }) => [...enter('clear'), ...enter(`echo ${tag()}`)]
const interrupted: Act = ({ tag }) => [
  { keys: `sleep 9${tag().replaceAll(/\D/g, '').slice(0, 2)}\r` },
  { pauseMs: 120 },
  { keys: '\x03' },
  { waitFor: 'prompt' },
]
const noise: Act = ({ tag }) => [
  ...enter('(sleep 0.4; echo background noise) &'),
  { keys: `expr length ${tag()}` },
  { waitFor: 'noise' },
  ...enter(' + 1'),
]
const background: Act = ({ tag }) => [
  ...enter(`(sleep 0.4; basename /x/${tag()}) &`),
  ...enter(`expr length ${tag()}`),
  { pauseMs: 450 },
  ...enter(`date +${tag()}`),
]
const resized: Act = ({ pick, tag }) => [
  { keys: `echo ${tag()} typed before` },
  { resize: { cols: pick([60, 80, 100, 132]), rows: pick([24, 40]) } },
  { pauseMs: 60 },
  ...enter(' and after'),
]
const resizedLong: Act = ({ pick, tag }) => [
  { keys: `${k.up}\x15echo ${tag()} ${'long '.repeat(18)}end` },
  { resize: { cols: pick([60, 80, 100, 132]), rows: pick([24, 40]) } },
  { pauseMs: 60 },
  ...enter('ing'),
]
const ahead: Act = ({ tag }) => [
  { keys: 'sleep 0.4\r' },
  { pauseMs: 120 },
  { keys: `expr length ${tag()}\r` },
  { pauseMs: 400 },
  ...enter(''),
]

const program: Act = (bench) => {
  const [word, lines] = [bench.tag(), ['first line to it', 'second, längere']]
  bench.readByProgram(word, lines)
  return [
    { keys: `cat > ${word}\r` },
    { pauseMs: 80 },
    ...lines.map((line) => ({ keys: `${line}\r` })),
    { pauseMs: 30 },
    { keys: '\x04' },
    { waitFor: 'prompt' },
  ]
}
const question: Act = (bench) => {
  const word = bench.tag()
  bench.readByProgram(word, ['the answer'])
  return [{ keys: `echo ${word}; read x\r` }, { pauseMs: 80 }, ...enter('the answer')]
}
const oneKey: Act = ({ tag }) => [{ keys: `echo ${tag()}; head -c 1 >/dev/null\r` }, { pauseMs: 80 }, ...enter('')]
const pager: Act = ({ tag, pick }) => [
  { keys: `less ${pick(['', '-X '])}/etc/services # ${tag()}\r` },
  { pauseMs: 200 },
  { keys: 'jj /tcp\rnG' },
  { pauseMs: 80 },
  { keys: 'q' },
  { waitFor: 'prompt' },
]
const editor: Act = ({ tag }) => [
  { keys: `vim -u NONE -N notes # ${tag()}\r` },
  { waitFor: '~' },
  { pauseMs: 100 },
  { keys: 'oa line in vim\rls -l another\x1b' },
  { pauseMs: 100 },
  { keys: ':wq\r' },
  { waitFor: 'prompt' },
]
const secret: Act = (bench) => [
  { keys: `read -s x; echo ${bench.tag()}\r` },
  { pauseMs: 150 },
  ...enter(bench.secret()),
]
const asked: Act = (bench) => [
  { keys: `python3 -c 'import getpass; getpass.getpass("Code: ")' ${bench.tag()}\r` },
  { waitFor: 'Code: ' },
  { pauseMs: 120 },
  ...enter(bench.secret()),
]

/** Whom PAM asks; it answers a wrong password after two seconds. */
const becoming: Act = (bench) => [
  { keys: `su nobody -c id # ${bench.tag()}\r` },
  { waitFor: 'assword: ' },
  { pauseMs: 150 },
  ...enter(bench.secret()),
]
const sudo: Act = (bench) => [
  { keys: `sudo -k id ${bench.tag()}\r` },
  { waitFor: 'password for' },
  { pauseMs: 150 },
  { keys: `${bench.secret()}\r` },
  { waitFor: 'try again' },
  { pauseMs: 150 },
  { keys: '\x03' },
  { waitFor: 'prompt' },
]

export const shellActs: Act[] = [
  ...Array.from({ length: 8 }, () => edited),
  ...[recalled, recalled, recalledAsItIs, recalledAndChanged, givenUp, searched, searched, searchedAsItIs],
  ...[repeated, replaced, lastWord, completed, completed, completedInPart],
  ...[loop, branch, openQuote, continued, hereDocument, piped, definition, editedBlock],
  ...[pastedLine, pastedBlock, pastedInTheMiddle, pastedRaw, long, longRecalled, wide],
  ...[aborted, nothing, cleared, interrupted, noise, background, resized, resizedLong, ahead],
  ...[program, question, oneKey, pager, editor, secret, asked, becoming, sudo],
]
