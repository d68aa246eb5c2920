import { create } from 'asciinema-player'
import { useEffect, useRef } from 'react'
import { highlightScreen } from '../replay/highlight-screen.ts'
import type { Replay } from '../replay/replay.ts'

const quiet = () => {}
export const terminalLook = {
  controls: false,
  fit: 'both',
  keystrokeOverlay: true,
  terminalFontFamily: 'ui-monospace, "DejaVu Sans Mono", "Noto Sans Mono CJK SC", monospace',
  logger: { log: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet },
} as const

/** Words marked on a screen, as long as they are wanted. */
export const useHighlights = (
  screen: React.RefObject<HTMLElement | null>,
  words: readonly string[],
  tell: (count: number) => void,
) => {
  const asked = words.join('\n')
  useEffect(() => {
    if (screen.current) return highlightScreen(screen.current, asked ? asked.split('\n') : [], tell)
  }, [screen, asked, tell])
}

/** The player's terminal, told by our replay what to show. */
export const Screen = ({ replay, words, onMarked }: ScreenProps) => {
  const element = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (!element.current) return
    // The types of the player do not know of drivers: as a source it is one of data, which is never read.
    const player = create(Object.assign(replay.driver, { data: '' }), element.current, terminalLook)
    return () => player.dispose()
  }, [replay])
  useHighlights(element, words, onMarked)
  return <div ref={element} className="screen" />
}
type ScreenProps = { replay: Replay; words: readonly string[]; onMarked(count: number): void }
