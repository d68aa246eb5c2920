import { type Bench, k } from './steps.ts'

/** Ways to come to about this line, as readline(3) and zle let one edit it. The line has ≥ 3 words. */
type Edit = (bench: Bench, line: string) => string

const plain: Edit = (_bench, line) => line

const typo: Edit = ({ random, pick, upTo }, line) => {
  const at = Math.floor(random() * line.length)
  const wrong = pick(['x', 'qq', 'teh', ' a'])
  return (
    line.slice(0, at) +
    wrong +
    pick([k.backspace, '\b']).repeat(wrong.length) +
    line.slice(at) +
    (upTo(3) === 1 ? `z${k.backspace}` : '')
  )
}
const insertion: Edit = ({ random, pick, upTo }, line) => {
  const at = 5 + Math.floor(random() * (line.length - 6))
  const length = upTo(4)
  const rest = line.slice(at + length)
  const back = pick([k.left, '\x02', '\x1bOD']).repeat(rest.length)
  return line.slice(0, at) + rest + back + line.slice(at, at + length) + pick(['', '\x05', k.end])
}
const forgottenStart: Edit = ({ pick }, line) => {
  const space = line.indexOf(' ') + 1
  return line.slice(space) + pick(['\x01', k.home, '\x1b[1~']) + line.slice(0, space) + pick(['', '\x05'])
}
const wrongWord: Edit = (_bench, line) => {
  const space = line.lastIndexOf(' ') + 1
  return `${line.slice(0, space)}wrong/word\x17${line.slice(space)}`
}
const wrongLine: Edit = (_bench, line) => `rm never ran this\x15${line}`
const tail: Edit = ({ upTo }, line) => `${line} of it${'\x02'.repeat(6 + upTo(3) - 1)}\x0b`
const killed: Edit = ({ pick }, line) => `${line}\x01\x0b${pick(['', '\x07'])}\x19`
const killedWord: Edit = (_bench, line) => `${line}\x17\x19`
const byWords: Edit = ({ pick }, line) =>
  `${line} one two three\x1bb\x1bb${pick(['\x1bd', '\x1bd\x1bd', '\x1bf\x1bb'])}\x05`
const backKill: Edit = (_bench, line) => `${line} some-words-more\x1b\x7f`
const transposed: Edit = (_bench, line) => `${line.slice(0, -2)}${line.at(-1)}${line.at(-2)}\x14`
const deleted: Edit = ({ upTo }, line) => {
  const n = upTo(3)
  return `${line}${'y'.repeat(n)}${k.left.repeat(n)}${k.delete.repeat(n)}`
}
const jumped: Edit = (_bench, line) => `${line}${k.wordLeft}in${k.end}`
const undone: Edit = (_bench, line) => `${line} not\x1f`
const upper: Edit = (_bench, line) => `${line} loud${k.wordLeft}\x1bu\x05`
const quoted: Edit = (_bench, line) => `${line} \x16\tq`
const redrawn: Edit = (_bench, line) => `${line.slice(0, 6)}\x0c${line.slice(6)}`

export const edits: Edit[] = [
  ...[plain, plain, typo, typo, insertion, insertion, forgottenStart, wrongWord, wrongLine, tail, killed, killedWord],
  ...[byWords, backKill, transposed, deleted, jumped, undone, upper, quoted, redrawn],
]
