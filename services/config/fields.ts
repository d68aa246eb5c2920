import { z } from 'zod'

export const port = z.coerce.number().int().min(0).max(65_535)
export const int = z.coerce.number().int().nonnegative()
/** The environment has no lists: there commas part the items. */
export const list = <T extends z.ZodType>(item: T) =>
  z.preprocess((value) => (typeof value === 'string' ? value.split(',').filter(Boolean) : value), z.array(item))
