import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { createTerminalEvents } from '#services/terminal/terminal-events.ts'
import { captureFrames, captureNames, joinedFrames } from '#test/helpers/captures.ts'

const size = { width: 120, height: 36 }

type Step = { code: string; data: string }

const castLine = ({ code, data }: Step, seconds: number): string =>
  `[${seconds.toFixed(6)},"${code}",${JSON.stringify(data)}]\n`

const capturedSteps = (): Step[] => {
  const toEvent = createTerminalEvents()
  return joinedFrames(captureNames.map(captureFrames)).flatMap((frame) => {
    const event = toEvent(frame)
    return event && frame.stream !== Stream.MARKER ? [{ code: event[1], data: event[2] }] : []
  })
}

/** Writes an asciicast file of this size, spread over the hours: real captures, again and again. */
export const writeLongCast = async (file: string, megabytes: number, hours: number): Promise<{ events: number }> => {
  const steps = capturedSteps()
  const roundBytes = steps.reduce((sum, step) => sum + Buffer.byteLength(castLine(step, hours * 1800)), 0)
  const rounds = Math.ceil((megabytes * 1e6) / roundBytes)
  const stepSeconds = (hours * 3600) / (rounds * steps.length)
  const out = createWriteStream(file)
  out.write(`${JSON.stringify({ version: 2, ...size, timestamp: 1_780_000_000 })}\n`)
  for (let round = 0; round < rounds; round++) {
    const lines = steps.map((step, at) => castLine(step, (round * steps.length + at + 1) * stepSeconds))
    if (!out.write(lines.join(''))) await once(out, 'drain')
  }
  out.end()
  await once(out, 'close')
  return { events: rounds * steps.length }
}
