import { BartizanError } from '#services/errors.ts'

export type UploadSlot = {
  /** From now on it counts as a large one. @throws BTZ_TOO_MANY_REQUESTS */
  grow(): void
  isLarge(): boolean
  free(): void
}

/** So many small uploads and so many large ones at once, until what they sent is imported. */
export const createUploadSlots = (most: { small: number; large: number }) => {
  const taken = { small: 0, large: 0 }
  const take = (size: 'small' | 'large'): void => {
    if (taken[size] >= most[size])
      throw new BartizanError('BTZ_TOO_MANY_REQUESTS', `${most[size]} ${size} recordings are being imported`, {
        hint: 'send it again later',
      })
    taken[size]++
  }
  return {
    /** @throws BTZ_TOO_MANY_REQUESTS */
    enter: (): UploadSlot => {
      take('small')
      let size: keyof typeof taken = 'small'
      return {
        grow: () => {
          if (size === 'large') return
          take('large')
          taken.small--
          size = 'large'
        },
        isLarge: () => size === 'large',
        free: () => void taken[size]--,
      }
    },
  }
}
