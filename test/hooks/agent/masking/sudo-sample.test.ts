import { readFileSync } from 'node:fs'
import { fromBinary } from '@bufbuild/protobuf'
import test from 'ava'
import type { TtyMode } from '#hooks/hook.ts'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { ClientMessageSchema } from '#services/schema/generated/log_server_pb.ts'
import { createReplay, keptInput, rulesOf } from '#test/helpers/masked-replay.ts'

const sample = new URL('../../../fixtures/sudo/client-stream-forcecommand-shell.bin', import.meta.url)

/** The frames of a real sudo client, at its own times; the mode is not in them. */
const replaySample = (mode: TtyMode) => {
  const bytes = readFileSync(sample)
  const replay = createReplay()
  let nowMs = 0
  for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32BE(at)) {
    const { type } = fromBinary(ClientMessageSchema, bytes.subarray(at + 4, at + 4 + bytes.readUInt32BE(at)))
    if (type.case !== 'ttyinBuf' && type.case !== 'ttyoutBuf') continue
    const { delay, data } = type.value
    nowMs += Number(delay?.tvSec ?? 0n) * 1000 + (delay?.tvNsec ?? 0) / 1e6
    replay.push(type.case === 'ttyinBuf' ? Stream.TTYIN : Stream.TTYOUT, data, nowMs, mode)
  }
  return replay.end(nowMs)
}

for (const mode of ['unknown', 'raw', 'echo'] satisfies TtyMode[])
  test(`a real sudo session, lines of one frame each: the password alone is masked (mode read as ${mode})`, (t) => {
    const passed = replaySample(mode)
    t.deepEqual(
      passed.flatMap(({ frame }) => frame.masked?.length ?? []),
      [7],
    )
    t.is(rulesOf(passed).length, 1)
    const kept = keptInput(passed).toString()
    t.regex(kept, /^whoami; ls \/etc \| head -2\nread -s -p 'Password: ' x\n\nps -o .*\nexit\n$/)
  })
