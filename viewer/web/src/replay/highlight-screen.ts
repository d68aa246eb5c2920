import { type Piece, wordsInLine } from './screen-words.ts'

const name = 'found'

const piecesOf = (line: Element): Piece<Text>[] =>
  [...line.children].flatMap((span) => {
    const node = span.firstChild
    if (!(node instanceof Text) || !(span instanceof HTMLElement)) return []
    return [{ node, text: node.data, column: Number(span.style.getPropertyValue('--offset')) }]
  })

const rangesOn = (screen: Element, words: readonly string[]): Range[] =>
  [...screen.querySelectorAll('.ap-line')]
    .flatMap((line) => wordsInLine(piecesOf(line), words))
    .map(({ start, end }) => {
      const range = new Range()
      range.setStart(start.node, start.offset)
      range.setEnd(end.node, end.offset)
      return range
    })

/**
 * Marks words wherever they stand on the player's screen, also while it plays: nothing is changed in what the player
 * draws (CSS Custom Highlight API). @returns what ends it
 */
export const highlightScreen = (screen: Element, words: readonly string[], tell: (count: number) => void) => {
  const none = () => {}
  if (words.length === 0 || !('highlights' in CSS)) return none
  let frame = 0
  const mark = () => {
    frame = 0
    const ranges = rangesOn(screen, words)
    CSS.highlights.set(name, new Highlight(...ranges))
    tell(ranges.length)
  }
  const soon = () => {
    frame ||= requestAnimationFrame(mark)
  }
  const observer = new MutationObserver(soon)
  observer.observe(screen, { childList: true, subtree: true, characterData: true })
  soon()
  return () => {
    observer.disconnect()
    cancelAnimationFrame(frame)
    CSS.highlights.delete(name)
    tell(0)
  }
}
