import { readFileSync } from 'node:fs'
import test from 'ava'
import { initialState } from '#hooks/sudo/connection-state.ts'
import { createFrameReader, frame } from '#hooks/sudo/framing.ts'
import { decodeClientMessage } from '#hooks/sudo/messages.ts'
import { step } from '#hooks/sudo/state-table.ts'
import { hasCode } from '#services/errors.ts'
import { createMutations, fuzzSeed } from '#test/helpers/mutated-bytes.ts'

const inputs = 100_000
const sample = (name: string): Buffer => readFileSync(new URL(`../../fixtures/sudo/${name}`, import.meta.url))
const context = { nowMs: 1_800_000_000_000, newSessionId: () => '01900000-0000-7000-8000-000000000000' }

/** The messages of a real stream, one of each length: those of a terminal are all alike. */
const messagesOf = (stream: Buffer): Buffer[] => {
  const reader = createFrameReader()
  reader.push(stream)
  const found = new Map<number, Buffer>()
  for (let message = reader.next(); message !== null; message = reader.next())
    found.set(message.byteLength, Buffer.from(message))
  return [...found.values()]
}
const corpus = ['client-stream-forcecommand-shell.bin', 'client-stream-forcecommand-exec.bin']
  .map(sample)
  .flatMap(messagesOf)
// A field of a length that is a lie, numbers of ten bytes, groups, fields that no message has.
const pieces = [
  '\xff\xff\xff\xff\x0f',
  '\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01',
  '\0',
  '\x0a\x80',
  '\x0b',
  '\x7a\x02',
  '\xf8\xff\xff\xff\x0f',
]

/** The reason something was refused for, null: it was taken. Anything thrown but a refusal is a bug. */
const refusalOf = (run: () => void): string | null => {
  try {
    run()
    return null
  } catch (error) {
    if (hasCode(error, 'BTZ_SUDO_PROTOCOL')) return (error as Error).message
    throw error
  }
}

test(`${inputs} mutated messages of a real sudo, first or after the opening, are taken or refused by name`, (t) => {
  const seed = fuzzSeed(t.log)
  const { input } = createMutations(corpus, pieces, seed)
  const [hello, accept] = corpus
    .map(decodeClientMessage)
    .filter(({ case: kind }) => kind === 'helloMsg' || kind === 'acceptMsg')
  const greeted = step(initialState, hello!, context).state
  const states = [initialState, greeted, step(greeted, accept!, context).state]
  let refused = 0
  for (let n = 0; n < inputs; n++) {
    const bytes = input()
    const reason = refusalOf(() => void step(states[n % states.length]!, decodeClientMessage(bytes), context))
    if (reason !== null) refused++
    if (reason !== null && reason.length > 500) return t.fail(`seed ${seed}, input ${n}: ${reason.length} characters`)
  }
  t.log(`${refused} refused`)
  t.true(refused > inputs / 4 && refused < inputs)
})

test(`${inputs} mutated streams are cut into the same messages, however they come in pieces`, (t) => {
  const seed = fuzzSeed(t.log)
  const streams = corpus
    .filter(({ length }) => length < 300)
    .map((message) => Buffer.concat([frame(message), frame(corpus[0]!)]))
  const { input, chunksOf } = createMutations(
    streams,
    ['\0\0\0\0', '\0\x20\0\x01', '\xff\xff\xff\xff', '\0\0\0\x01'],
    seed,
  )
  const cut = (chunks: readonly Buffer[]): string => {
    const reader = createFrameReader()
    const found: string[] = []
    const reason = refusalOf(() => {
      for (const chunk of chunks) {
        reader.push(chunk)
        for (let message = reader.next(); message !== null; message = reader.next())
          found.push(Buffer.from(message).toString('latin1'))
      }
    })
    return JSON.stringify([found, reason, reason === null && reader.bufferedBytes])
  }
  let refused = 0
  for (let n = 0; n < inputs; n++) {
    const bytes = input()
    const whole = cut([bytes])
    if (whole.includes('a message of')) refused++
    if (whole !== cut(chunksOf(bytes))) return t.fail(`seed ${seed}, input ${n}: ${bytes.toString('base64')}`)
  }
  t.log(`${refused} refused`)
  t.true(refused > inputs / 100 && refused < inputs)
})
