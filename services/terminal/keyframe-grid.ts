import { cellWords, type Grid, type Line, noColor, type Pen } from './terminal-state.ts'

export const plainPen: Pen = { fg: noColor, bg: noColor, attributes: 0 }

const samePen = (a: Pen, b: Pen): boolean => a.fg === b.fg && a.bg === b.bg && a.attributes === b.attributes

const colorParams = (color: number, base: number): string => {
  if (color === noColor) return ''
  const [kind, first, second, third] = [color & 0xff, (color >> 8) & 0xff, (color >> 16) & 0xff, color >>> 24]
  if (kind !== 0) return `;${base + 8}:2:${first}:${second}:${third}`
  if (first < 8) return `;${base + first}`
  return first < 16 ? `;${base + 52 + first}` : `;${base + 8}:5:${first}`
}
// Bit of the attributes → parameter of SGR
const intensities = ['', ';1', ';2']
const flags = [3, 4, 9, 5, 7]

export const penSequence = ({ fg, bg, attributes }: Pen): string => {
  const set = flags.filter((_, bit) => (attributes >> 8) & (1 << bit)).map((parameter) => `;${parameter}`)
  return `\x1b[0${colorParams(fg, 30)}${colorParams(bg, 40)}${intensities[attributes & 0xff] ?? ''}${set.join('')}m`
}

const penAt = (cells: Uint32Array, col: number): Pen => ({
  fg: cells[col * cellWords + 2]!,
  bg: cells[col * cellWords + 3]!,
  attributes: cells[col * cellWords + 4]!,
})
const isBlank = (cells: Uint32Array, col: number): boolean =>
  cells[col * cellWords] === 0x20 && cells[col * cellWords + 1] === 1

/** The first column of the blanks of one pen that end the line. */
const trailingBlanks = (cells: Uint32Array): number => {
  let col = cells.length / cellWords
  const pen = col > 0 ? penAt(cells, col - 1) : plainPen
  while (col > 0 && isBlank(cells, col - 1) && samePen(penAt(cells, col - 1), pen)) col--
  return col
}

const isEmpty = ({ cells }: Line): boolean => trailingBlanks(cells) === 0 && samePen(penAt(cells, 0), plainPen)

const shortestRepeat = 6 // "x" + CSI n b

/** Writes lines, knowing with which pen the terminal would go on. */
const createPainter = () => {
  const out: string[] = []
  let pen = plainPen
  const take = (next: Pen) => {
    if (!samePen(pen, next)) out.push(samePen(next, plainPen) ? '\x1b[m' : penSequence(next))
    pen = next
  }
  /** Columns from..to-1. */
  const print = (cells: Uint32Array, from: number, to: number) => {
    for (let col = from; col < to; ) {
      const [code, width] = [cells[col * cellWords]!, cells[col * cellWords + 1]!]
      const own = penAt(cells, col)
      let next = col + 1
      while (
        next < to &&
        cells[next * cellWords] === code &&
        cells[next * cellWords + 1] === width &&
        samePen(penAt(cells, next), own)
      )
        next++
      const count = next - col
      col = next
      if (width === 0) continue // written with its left half
      take(own)
      const character = String.fromCodePoint(code)
      const repeats = width === 1 && count >= shortestRepeat
      out.push(repeats ? `${character}\x1b[${count - 1}b` : character.repeat(count))
    }
  }
  return { out, take, print }
}

/**
 * What writes the lines into an empty terminal of that size, also those that have scrolled off, and flags the same
 * lines as wrapped: each of these is filled to its last column, and the next character wraps.
 */
export const gridSequence = ({ rows, lines }: Grid): string => {
  const { out, take, print } = createPainter()
  let count = lines.length
  if (count <= rows) while (count > 0 && !lines[count - 1]!.isWrapped && isEmpty(lines[count - 1]!)) count--
  if (count < lines.length && count > 0 && lines[count - 1]!.isWrapped) count++
  lines.slice(0, count).forEach(({ cells, isWrapped }, i) => {
    const cols = cells.length / cellWords
    const continues = i > 0 && lines[i - 1]!.isWrapped
    const end = isWrapped ? cols : Math.max(trailingBlanks(cells), continues ? 1 : 0)
    print(cells, 0, end)
    if (end < cols && (continues || !samePen(penAt(cells, cols - 1), plainPen))) {
      take(penAt(cells, cols - 1)) // a wrap that scrolls leaves a line in the color of the character that wrapped
      out.push('\x1b[K')
    }
    if (isWrapped || i === count - 1) return
    take(plainPen)
    out.push('\r\n')
  })
  take(plainPen)
  return out.join('')
}
