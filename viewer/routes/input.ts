import { z } from 'zod'
import { BartizanError } from '#services/errors.ts'

/** Query parameters shared by the lists. An unknown parameter is refused: a misspelt filter must not widen an answer. */
export const page = {
  limit: z.coerce.number().int().min(1).max(500).default(50),
  cursor: z.string().max(1024).optional(),
}
export const instant = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .optional()
export const word = z.string().min(1).max(256).optional()
export const text = z.string().max(512).optional()

/** Why somebody wants to see content, where no header can be sent; access/content-reason.ts reads it. */
export const why = { reason: z.string().max(4_096).optional() }

/** Why somebody does a thing. */
export const reason = z.string().trim().min(1).max(2_048)

/** Several of these values, by comma. */
export const commaList = <T extends string>(values: readonly T[]) =>
  z
    .string()
    .max(512)
    .transform((list) => list.split(',').filter(Boolean))
    .pipe(z.array(z.enum(values as [T, ...T[]])))
    .optional()

/** @throws BTZ_REQUEST_INVALID naming every wrong parameter */
export const parseInput = <T extends z.ZodType>(schema: T, query: unknown): z.infer<T> => {
  const result = schema.safeParse(query)
  if (!result.success) throw new BartizanError('BTZ_REQUEST_INVALID', z.prettifyError(result.error))
  return result.data
}
