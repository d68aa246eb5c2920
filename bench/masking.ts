// What masking costs per frame: node bench/masking.ts
import { createMasker } from '#hooks/agent/masking/masker.ts'
import type { TtyMode } from '#hooks/hook.ts'
import { Config } from '#services/config.ts'
import { type Frame, Stream } from '#services/recordings/format/frame-batch.ts'

const limits = Config.parse({}).agent.masking
const frameBytes = 4096
const filled = (text: string): Buffer => Buffer.alloc(frameBytes, text)
const frame = (stream: Stream, data: Buffer): Frame => ({ delayNs: 1n, stream, data })
const output = (text: string): Frame => frame(Stream.TTYOUT, filled(text))

const floods: Record<string, Frame> = {
  'plain text': output('Nov 21 10:00:00 host daemon[123]: a line of a log file\r\n'),
  'colours (ls, compiler)': output(
    '\u001b[01;34mdirectory\u001b[0m  \u001b[32mprogram\u001b[0m  \u001b[31mred\u001b[0m\r\n',
  ),
  'screen updates (vim, top)': output(
    `\u001b[?25l${'\u001b[12;1Htext \u001b[m\u001b[39;49m\u001b[K'.repeat(40)}\u001b[?25h`,
  ),
  'cursor hidden and shown every 40 bytes': output(
    '\u001b[?25l\u001b[12;1Htext \u001b[m\u001b[39;49m\u001b[K\u001b[?25h',
  ),
  'escape characters only': output('\u001b'),
  'random bytes': frame(
    Stream.TTYOUT,
    Buffer.from(Array.from({ length: frameBytes }, (_, index) => (index * 7919 * (index + 13)) & 0xff)),
  ),
}

/** Best of five runs: the machine is shared. */
const microsecondsPer = (count: number, step: (index: number) => void): number => {
  const runs = Array.from({ length: 5 }, () => {
    const start = performance.now()
    for (let index = 0; index < count; index++) step(index)
    return ((performance.now() - start) * 1000) / count
  })
  return Math.min(...runs)
}

const report = (name: string, us: number): void => console.log(`${us.toFixed(3).padStart(9)} µs  ${name}`)

console.log(`per frame of ${frameBytes} bytes, nothing held:`)
for (const [name, flood] of Object.entries(floods)) {
  const masker = createMasker(limits)
  report(
    name,
    microsecondsPer(200_000, () => masker.push(flood, { nowMs: 0, mode: 'unknown' })),
  )
}

console.log(`per frame of ${frameBytes} bytes behind a held key (at most 256 KiB of them):`)
for (const [name, flood] of Object.entries(floods)) {
  const maskers = Array.from({ length: 50 }, () => createMasker(limits))
  for (const masker of maskers) masker.push(frame(Stream.TTYIN, Buffer.from('x9')), { nowMs: 0, mode: 'raw' })
  const start = performance.now()
  for (const masker of maskers)
    for (let index = 0; index < 60; index++) masker.push(flood, { nowMs: 1, mode: 'unknown' })
  report(name, ((performance.now() - start) * 1000) / (50 * 60))
}

console.log('per key:')
const key = frame(Stream.TTYIN, Buffer.from('x'))
const echo = frame(Stream.TTYOUT, Buffer.from('x'))
for (const mode of ['echo', 'no_echo', 'raw'] satisfies TtyMode[]) {
  const masker = createMasker(limits)
  let nowMs = 0
  const us = microsecondsPer(50_000, () => {
    nowMs += 1
    masker.push(key, { nowMs, mode })
    masker.push(echo, { nowMs, mode: 'unknown' })
  })
  report(`${mode}, with its echo`, us)
}
const masker = createMasker(limits)
const us = microsecondsPer(
  5000,
  (index) => void masker.push(frame(Stream.TTYIN, Buffer.from('qz')), { nowMs: index % 7, mode: 'raw' }),
)
report('raw, never answered, 4 KiB held all the time (the worst a client can do)', us)
