import { Alert, Text } from '@mantine/core'
import { type Player as AsciinemaPlayer, create } from 'asciinema-player'
import { type Ref, useEffect, useImperativeHandle, useRef, useState } from 'react'

export type PlayerHandle = { playFrom(atMs: number): Promise<void> }

/** asciinema-player on the segmented form of the server. A new `url` makes a new player. */
export const Player = ({ url, startAtMs, ref }: { url: string; startAtMs: number; ref?: Ref<PlayerHandle> }) => {
  const element = useRef<HTMLDivElement>(null)
  const player = useRef<AsciinemaPlayer>(undefined)
  const [failure, setFailure] = useState<string | null>(null)
  const firstStart = useRef(startAtMs)

  useEffect(() => {
    if (!element.current) return
    const created = create(
      // `format: segmented` is in the shipped player but not in its types.
      { url, format: 'segmented' } as { url: string },
      element.current,
      {
        fit: 'width',
        preload: true,
        poster: `npt:${firstStart.current / 1000}`,
        startAt: firstStart.current / 1000,
        keystrokeOverlay: false,
        terminalFontFamily: 'ui-monospace, "DejaVu Sans Mono", "Noto Sans Mono CJK SC", monospace',
        logger: {
          log: () => {},
          debug: () => {},
          info: () => {},
          warn: () => {},
          error: (...parts: unknown[]) => setFailure(parts.map(String).join(' ')),
        },
      },
    )
    player.current = created
    return () => created.dispose()
  }, [url])

  useImperativeHandle(ref, () => ({
    playFrom: async (atMs) => {
      await player.current?.seek(atMs / 1000)
      await player.current?.play()
    },
  }))

  return (
    <div className="player-frame" data-testid="player">
      {failure && (
        <Alert color="red" title="The player could not show this recording" mb="sm">
          <Text size="sm">{failure}</Text>
        </Alert>
      )}
      <div ref={element} />
    </div>
  )
}
