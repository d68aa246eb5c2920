import { type Frame, Stream } from '#services/recordings/format/frame-batch.ts'
import { frame, masked, typed } from './recorded-session.ts'
import { seededRandom } from './seeded-random.ts'

const words = ['alpha', 'été', '日本語', 'e\u0301a\u0308', '👍', 'Ünïcödé', '한국', 'x', 'lorem-ipsum', '\t', 'ﬁn']
const pens = ['', '\x1b[1;31m', '\x1b[38;5;99m', '\x1b[48;2;10;20;30m', '\x1b[7m', '\x1b[0m', '\x1b[4;3m', '\x1b[m']
const resized = (cols: number, rows: number): Frame => frame(Stream.RESIZE, Uint8Array.from([0, rows, 0, cols]))

type Dice = { upTo(count: number): number; of<T>(all: readonly T[]): T }

const line = ({ upTo, of }: Dice): string =>
  Array.from({ length: 1 + upTo(14) }, () => `${of(pens)}${of(words)} `).join('')

/** What an editor does: cursor addressing, regions, inserted and deleted lines and characters, modes, titles. */
const edit = (dice: Dice): string => {
  const { upTo, of } = dice
  const at = `\x1b[${1 + upTo(30)};${1 + upTo(100)}H`
  const region = `\x1b[${1 + upTo(5)};${8 + upTo(12)}r`
  const acts = [
    '\x1b[L',
    '\x1b[2M',
    '\x1b[4P',
    '\x1b[3@',
    '\x1b[K',
    '\x1b[1J',
    '\x1bM',
    '\x1bD',
    '\x1b7',
    '\x1b8',
    '\x1b[?25l',
    '\x1b[?25h',
  ]
  const modes = [
    '\x1b[4h',
    '\x1b[4l',
    '\x1b[?7l',
    '\x1b[?7h',
    '\x1b[?6h',
    '\x1b[?6l',
    '\x1b(0',
    '\x1b(B',
    '\x1b]0;title\x07',
    '\x1bP1$r\x1b\\',
  ]
  return `${at}${line(dice)}${of([region, '', ''])}${of(acts)}${of(acts)}${of(modes)}`
}

const action = (dice: Dice): (string | Frame)[] => {
  const { upTo, of } = dice
  const shell = () => `${line(dice)}\r\n${upTo(3) === 0 ? line(dice) : ''}`
  switch (upTo(12)) {
    case 0:
      return ['\x1b[?1049h\x1b[H\x1b[2J', edit(dice)]
    case 1:
      return ['\x1b[?1049l\x1b[m\x1b(B\x1b[r\x1b[?7h\x1b[?6l\x1b[4l']
    case 2:
      return [resized(20 + upTo(120), 5 + upTo(40))]
    case 3:
      return [typed(of(['ls\r', '\x1b[A', 'é'])), masked(8)]
    case 4:
    case 5:
    case 6:
      return [edit(dice), edit(dice)]
    default:
      return [shell(), shell()]
  }
}

/** Cut anywhere, also inside a character or a sequence. */
const cut = (bytes: Buffer, { upTo }: Dice): Frame[] => {
  const frames: Frame[] = []
  for (let at = 0; at < bytes.byteLength; ) {
    const end = at + 1 + upTo(upTo(4) === 0 ? 6 : 200)
    frames.push(frame(Stream.TTYOUT, bytes.subarray(at, end), upTo(40)))
    at = end
  }
  return frames
}

/** Somebody at work in a shell and in editors, in any language, who resizes the window: by seed. */
export const busyFrames = (seed: number, actions: number): Frame[] => {
  const random = seededRandom(seed)
  const upTo = (count: number): number => Math.floor(random() * count)
  const dice: Dice = { upTo, of: (all) => all[upTo(all.length)]! }
  return Array.from({ length: actions }, () => action(dice))
    .flat()
    .flatMap((one) => (typeof one === 'string' ? cut(Buffer.from(one), dice) : [one]))
}
