import { z } from 'zod'
import { listOf } from '#services/schema/session.ts'

/** A route, with the schemas that check it. */
export type Operation = {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  path: string
  summary: string
  query?: z.ZodObject
  headers?: z.ZodObject
  body?: z.ZodType
  bodyType?: string
  answer?: z.ZodType
  answerType?: string
  status?: number
  /** Shows what was recorded. */
  isContent?: boolean
}

/** Also why somebody wants to see content, if policy asks for that and the query does not say. */
export const shownFor = z.object({ 'x-bartizan-reason': z.string().optional() })
/** `withheld`: hits on this page that the asker may not see: of their own sessions, or without leave of a second person. */
export const siftedListOf = <T extends z.ZodType>(item: T) => listOf(item).extend({ withheld: z.number().int() })
