import { Stream } from '#services/recordings/format/frame-batch.ts'
import { createSegmenter } from '#services/terminal/segmenter.ts'
import { type CaptureName, captureFrames } from '#test/helpers/captures.ts'

/**
 * What deriving segments, keyframes (each tried) and text costs: MB of output per second of CPU, without starting up.
 * Run: `npm run bench -- segmenter [MB]`
 */
const [megabytes = 16] = process.argv.slice(2).map(Number)
const readBytes = 4096

const source = Buffer.from('  const words = ofALine(that, is, "cat") // and a comment behind it\r\n'.repeat(60))
const outputOf = (name: CaptureName): Buffer =>
  Buffer.concat(captureFrames(name).flatMap(({ stream, data }) => (stream === Stream.TTYOUT ? [data] : [])))
const sources: Record<string, Buffer> = {
  cat: source,
  ...Object.fromEntries(
    (['vim', 'less', 'top', 'htop', 'tmux', 'wide'] as const).map((name) => [name, outputOf(name)]),
  ),
}

const run = (output: Buffer, bytes: number) => {
  const segmenter = createSegmenter({ size: { cols: 120, rows: 36 }, state: null })
  let [segments, characters, keyframes] = [0, 0, 0]
  for (let sent = 0, number = 0; sent < bytes; sent += readBytes, number++) {
    const from = sent % Math.max(1, output.byteLength - readBytes)
    const frame = { stream: Stream.TTYOUT, data: output.subarray(from, from + readBytes), delayNs: 0n }
    segmenter.take({ ...frame, atNs: BigInt(number) * 50_000_000n }, { batchSeq: 0, frame: number })
    const drained = segmenter.drain()
    segments += drained.segments.length
    for (const { init } of drained.segments) keyframes += init.length
    for (const { text } of drained.texts) characters += text.length
  }
  const { refused, broken } = segmenter.counts()
  return { segments, keyframeBytes: Math.round(keyframes / segments), textMB: characters / 1e6, refused, broken }
}

for (const [name, output] of Object.entries(sources)) {
  run(output, 1e6) // compiled
  const before = process.cpuUsage()
  const result = run(output, megabytes * 1e6)
  const { user, system } = process.cpuUsage(before)
  process.stdout.write(`${JSON.stringify({ name, mbPerCpuSecond: (megabytes * 1e6) / (user + system), ...result })}\n`)
}
