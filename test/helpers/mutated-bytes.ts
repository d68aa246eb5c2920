import { seededRandom } from './seeded-random.ts'

// Most inputs are refused with an error: its stack would take longer to collect than all the rest.
Error.stackTraceLimit = 0

/** Inputs made from real ones: cut, flipped, doubled, spliced, with pieces that parsers stumble over. */
export const createMutations = (corpus: readonly Buffer[], pieces: readonly string[], seed: number) => {
  const random = seededRandom(seed)
  const below = (count: number): number => Math.floor(random() * count)
  const any = <T>(items: readonly T[]): T => items[below(items.length)]!
  const cut = (bytes: Buffer): [Buffer, Buffer] => {
    const at = below(bytes.length + 1)
    return [bytes.subarray(0, at), bytes.subarray(at)]
  }
  const steps: ((bytes: Buffer) => Buffer)[] = [
    (bytes) => cut(bytes)[0],
    (bytes) => {
      const [before, after] = cut(bytes)
      return Buffer.concat([before, Buffer.from(any(pieces), 'latin1'), after.subarray(below(4))])
    },
    (bytes) => Buffer.concat([cut(bytes)[0], cut(any(corpus))[1]]),
    (bytes) => {
      const copy = Buffer.from(bytes)
      for (let count = below(4); count >= 0; count--) if (copy.length > 0) copy[below(copy.length)] = below(256)
      return copy
    },
    (bytes) => {
      const [before, after] = cut(bytes)
      return Buffer.concat([before, after.subarray(below(30))])
    },
    (bytes) => Buffer.concat([bytes, bytes.subarray(below(bytes.length + 1))]),
    (bytes) => bytes,
  ]
  return {
    below,
    input: (): Buffer => {
      const base = any(steps)(any(corpus))
      return random() < 0.4 ? any(steps)(base) : base
    },
    /** The same bytes in pieces of any size. */
    chunksOf: (bytes: Buffer): Buffer[] => {
      const chunks: Buffer[] = []
      for (let at = 0; at < bytes.length; ) {
        const end = Math.min(bytes.length, at + 1 + below(random() < 0.5 ? 8 : bytes.length))
        chunks.push(bytes.subarray(at, end))
        at = end
      }
      return chunks
    },
  }
}

export const fuzzSeed = (log: (text: string) => void): number => {
  const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
  log(`TEST_SEED=${seed}`)
  return seed
}

/** What breaks JSON, and readers of it. */
export const jsonPieces = [
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '\n',
  '-1',
  '1e999',
  '99999999999999999999',
  'null',
  '\\ud800',
  '\xff',
  '\0',
  '__proto__',
]
