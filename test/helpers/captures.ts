import { readFileSync } from 'node:fs'
import { zstdDecompressSync } from 'node:zlib'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import type { TimedFrame } from '#services/terminal/terminal-events.ts'

/** Real programs, driven in a pseudo-terminal by bench/seek/capture.py. */
export const captureNames = ['bash', 'vim', 'less', 'top', 'htop', 'tmux', 'wide'] as const
export type CaptureName = (typeof captureNames)[number]

const folder = new URL('../fixtures/terminal/', import.meta.url)

const dataOf = (code: 'o' | 'r', value: string | [number, number]): Uint8Array => {
  if (code === 'o') return Buffer.from(String(value), 'base64')
  const data = Buffer.alloc(4)
  data.writeUInt16BE(Number(value[1]), 0)
  data.writeUInt16BE(Number(value[0]), 2)
  return data
}

/** The frames of a capture; it begins with a resize to its size. */
export const captureFrames = (name: CaptureName): TimedFrame[] => {
  const text = zstdDecompressSync(readFileSync(new URL(`${name}.ndjson.zst`, folder))).toString()
  let lastNs = 0n
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [atUs, code, value] = JSON.parse(line)
      const [atNs, stream] = [BigInt(atUs) * 1000n, code === 'o' ? Stream.TTYOUT : Stream.RESIZE]
      const frame = { atNs, delayNs: atNs - lastNs, stream, data: dataOf(code, value) }
      lastNs = atNs
      return frame
    })
}

/** One after the other, as one session, with a second in between. */
export const joinedFrames = (parts: readonly TimedFrame[][]): TimedFrame[] => {
  let fromNs = 0n
  return parts.flatMap((frames) => {
    const moved = frames.map((frame) => ({ ...frame, atNs: frame.atNs + fromNs }))
    fromNs = (moved.at(-1)?.atNs ?? fromNs) + 1_000_000_000n
    return moved
  })
}
