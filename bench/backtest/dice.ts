import { seededRandom } from '#test/helpers/seeded-random.ts'

/** Chance, the same for the same seed. */
export type Dice = ReturnType<typeof createDice>

export const createDice = (seed: number) => {
  const random = seededRandom(seed)
  const between = (low: number, high: number): number => low + random() * (high - low)
  const whole = (low: number, high: number): number => Math.floor(between(low, high + 1))
  const normal = (mean: number, deviation: number): number => {
    const radius = Math.sqrt(-2 * Math.log(1 - random()))
    return mean + deviation * radius * Math.cos(2 * Math.PI * random())
  }
  const count = (mean: number): number => {
    // Knuth's Poisson; the means here are small.
    const limit = Math.exp(-mean)
    let [product, n] = [random(), 0]
    while (product > limit) {
      product *= random()
      n++
    }
    return n
  }
  return {
    between,
    whole,
    normal,
    count,
    chance: (probability: number): boolean => random() < probability,
    pick: <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!,
    some: <T>(list: readonly T[], n: number): T[] =>
      list
        .map((item) => ({ item, order: random() }))
        .sort((a, b) => a.order - b.order)
        .slice(0, n)
        .map(({ item }) => item),
    /** Heavy-tailed around a median. */
    lognormal: (median: number, spread: number): number => median * Math.exp(normal(0, spread)),
  }
}
