import { edits } from './edits.ts'
import { type Act, type Bench, enter, k, type Step } from './steps.ts'

/** What people do at the prompt of Python. It keeps no line twice in a row, so what is recalled is changed. */

const statements: ((tag: string) => string)[] = [
  (tag) => `print("${tag}", 1 + 2 )`,
  (tag) => `len("some words ${tag} more")`,
  (tag) => `x = [ "${tag}" , 'b', "c d" ]`,
  (tag) => `os.system("basename /etc/${tag} .x")`,
  (tag) => `subprocess.run(["expr", "length", "${tag}"])`,
  (tag) => `ls("${tag}") # several words`,
]
const statement = ({ pick, tag }: Bench): string => pick(statements)(tag())

const edited: Act = (bench) => enter(bench.pick(edits)(bench, statement(bench)))
const recalled: Act = (bench) => {
  const count = bench.upTo(3)
  const before = Array.from({ length: count }, () => enter(statement(bench))).flat()
  return [...before, ...enter(`${k.up.repeat(bench.upTo(count))}\x05 # ${bench.tag()}`)]
}
const searched: Act = (bench) => [
  ...enter(`print("needle ${bench.tag()}")`),
  ...enter(statement(bench)),
  ...enter(`\x12needl\x05 # ${bench.tag()}`),
]
const completed: Act = ({ tag }) => enter(`os.getlog\t # ${tag()}`)
const more = (...lines: string[]): Step[] => [
  ...lines.flatMap((line): Step[] => [{ keys: `${line}\r` }, { waitFor: 'more' }]),
  ...enter(''),
]
const loop: Act = ({ tag }) =>
  more('for i in [1, 2]:', `    os.system("expr length ${tag()}")`, `    print(i, "${tag()}")`)
const definition: Act = ({ tag }) => [
  ...more(`def f${tag()}(a):`, '    b = a * 2', '    return b'),
  ...enter(`print("${tag()}")`),
]
const openBracket: Act = ({ tag }) => [{ keys: `print("${tag()}",\r` }, { waitFor: 'more' }, ...enter(`"${tag()}")`)]
const pasted: Act = (bench) => [
  { together: Array.from({ length: bench.upTo(6) }, () => `${statement(bench)}\r`).join('') },
  { pauseMs: 300 },
  ...enter(''),
]
const long: Act = ({ tag, upTo, pick }) =>
  enter(`print("${tag()} ${'words to wrap '.repeat(4 + upTo(8))}")${pick(['', `${k.left.repeat(30)}INS`])}`)
const wide: Act = ({ tag, pick }) => enter(`print("${tag()} ${pick(['世界', 'über', '😀'])} end")${k.left.repeat(5)}X`)
const aborted: Act = ({ tag }) => [{ keys: `open("${tag()}")` }, { keys: '\x03' }, { waitFor: 'prompt' }]
const question: Act = ({ tag }) => [
  { keys: `a = input("${tag()}? ")\r` },
  { pauseMs: 100 },
  ...enter(`an answer of ${tag()}`),
]
const secret: Act = (bench) => [
  { keys: `getpass.getpass("Key for ${bench.tag()}: ")[:0]\r` },
  { pauseMs: 200 },
  ...enter(bench.secret()),
]

export const pythonActs: Act[] = [
  ...Array.from({ length: 6 }, () => edited),
  ...[recalled, recalled, searched, completed, loop, definition, openBracket, pasted, long, wide, aborted],
  ...[question, secret],
]
