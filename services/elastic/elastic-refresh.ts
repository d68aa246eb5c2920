import type { Elastic } from './elastic-client.ts'

/** Makes what was acknowledged found by searches: one refresh for all who ask before it begins. */
export const createRefresh = (elastic: Elastic, index: string): (() => Promise<void>) => {
  let running: Promise<unknown> | null = null
  let next: Promise<void> | null = null
  const once = async (): Promise<void> => {
    await running?.catch(() => undefined) // whoever waits for it hears of it
    next = null
    const mine = elastic.request({
      method: 'POST',
      path: `/${index}/_refresh`,
      query: { ignore_unavailable: true },
      accept: [404],
    })
    running = mine
    await mine
  }
  return () => {
    next ??= once()
    return next
  }
}
