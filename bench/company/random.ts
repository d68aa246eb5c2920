/** Seeded randomness (sfc32). `fork` gives an independent stream, so that one part's draws never shift another's. */
export type Random = {
  next(): number
  int(min: number, max: number): number
  between(min: number, max: number): number
  chance(p: number): boolean
  pick<T>(list: readonly T[]): T
  weighted<T>(pairs: readonly (readonly [T, number])[]): T
  normal(mean: number, deviation: number): number
  logNormal(median: number, sigma: number): number
  shuffle<T>(list: readonly T[]): T[]
  sample<T>(list: readonly T[], count: number): T[]
  hex(length: number): string
  base64(length: number): string
  fork(label: string): Random
}

const hash = (text: string): number => {
  let h = 2166136261
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619)
  return h >>> 0
}

const sfc32 = (seed: string): (() => number) => {
  let [a, b, c, d] = [hash(`${seed}/a`), hash(`${seed}/b`), hash(`${seed}/c`), 1]
  const next = () => {
    const t = (((a + b) | 0) + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + t
    return (t >>> 0) / 4294967296
  }
  for (let i = 0; i < 20; i++) next()
  return next
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

export const createRandom = (seed: string): Random => {
  const next = sfc32(seed)
  const int = (min: number, max: number) => min + Math.floor(next() * (max - min + 1))
  const normal = (mean: number, deviation: number) =>
    mean + deviation * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
  const pick = <T>(list: readonly T[]): T => {
    const item = list[int(0, list.length - 1)]
    if (item === undefined) throw new Error('pick of an empty list')
    return item
  }
  const weighted = <T>(pairs: readonly (readonly [T, number])[]): T => {
    let left = next() * pairs.reduce((sum, [, weight]) => sum + weight, 0)
    for (const [item, weight] of pairs) {
      left -= weight
      if (left < 0) return item
    }
    return pairs[0]![0]
  }
  const shuffle = <T>(list: readonly T[]): T[] => {
    const copy = [...list]
    for (let i = copy.length - 1; i > 0; i--) {
      const j = int(0, i)
      const [x, y] = [copy[i]!, copy[j]!]
      copy[i] = y
      copy[j] = x
    }
    return copy
  }
  const letters = (from: string, length: number) => Array.from({ length }, () => from[int(0, from.length - 1)]).join('')
  return {
    next,
    int,
    pick,
    weighted,
    normal,
    shuffle,
    between: (min, max) => min + next() * (max - min),
    chance: (p) => next() < p,
    logNormal: (median, sigma) => median * Math.exp(normal(0, sigma)),
    sample: (list, count) => shuffle(list).slice(0, count),
    hex: (length) => letters('0123456789abcdef', length),
    base64: (length) => letters(alphabet, length),
    fork: (label) => createRandom(`${seed}/${label}`),
  }
}
