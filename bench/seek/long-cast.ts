import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { createTerminalEvents } from '#services/terminal/terminal-events.ts'
import { captureFrames, captureNames, joinedFrames } from '#test/helpers/captures.ts'

const size = { width: 120, height: 36 }

/** Writes an asciicast of so much output, spread over the hours: real captures, again and again. */
export const writeLongCast = async (file: string, megabytes: number, hours: number): Promise<{ events: number }> => {
  const toEvent = createTerminalEvents()
  const events = joinedFrames(captureNames.map(captureFrames)).flatMap((frame) => {
    const event = toEvent(frame)
    return event && frame.stream !== Stream.MARKER ? [{ event, bytes: frame.data.byteLength }] : []
  })
  const perRound = events.reduce((sum, { bytes }) => sum + bytes, 0)
  const rounds = Math.ceil((megabytes * 1e6) / perRound)
  const stepSeconds = (hours * 3600) / (rounds * events.length)
  const out = createWriteStream(file)
  out.write(`${JSON.stringify({ version: 2, ...size, timestamp: 1_780_000_000 })}\n`)
  for (let round = 0; round < rounds; round++) {
    const lines = events.map(({ event: [, code, data] }, at) => {
      const seconds = ((round * events.length + at + 1) * stepSeconds).toFixed(6)
      return `[${seconds},"${code}",${JSON.stringify(data)}]\n`
    })
    if (!out.write(lines.join(''))) await once(out, 'drain')
  }
  out.end()
  await once(out, 'close')
  return { events: rounds * events.length }
}
