import { Router } from 'express'
import { z } from 'zod'
import { openStatement, statementHash, statementsOfDay, statementsRoot } from '#services/coverage/statement-format.ts'
import { Statement } from '#services/schema/statement.ts'
import { allow, principalOf } from '../access/authenticate.ts'
import type { ViewerContext } from '../context.ts'
import { CoverageParameters, daysBetween } from './coverage.ts'
import { parseInput } from './input.ts'

const readAtOnce = 500

/** `note`: as it stands in the store, signed: whoever has the public key of the log can check it. */
export const StatementInfo = Statement.extend({ key: z.string(), sha256: z.string(), note: z.string() })

/** What was stated of bastions' days, by day, then by bastion, as it stands in the store. */
export const statementRoutes = ({ recordings, logVerifier, clock, audit }: ViewerContext): Router => {
  const router = Router()

  const read = async (key: string): Promise<z.infer<typeof StatementInfo>> => {
    const bytes = await recordings.get(key)
    const statement = openStatement(bytes, logVerifier)
    return { ...statement, key, sha256: statementHash(bytes), note: Buffer.from(bytes).toString() }
  }
  /** Keys are in order of days. `after`: the key where the page before ended. */
  const keysOf = async (to: string, bastion: string | undefined, after: string, limit: number): Promise<string[]> => {
    const keys: string[] = []
    for (let last = after; ; ) {
      const page = await recordings.list(statementsRoot, { after: last, limit: readAtOnce })
      for (const { key } of page) {
        const [date = '', name] = key.slice(statementsRoot.length).split('/')
        if (date > to || keys.length >= limit) return keys
        if (bastion === undefined || name === bastion) keys.push(key)
      }
      if (page.length < readAtOnce) return keys
      last = page.at(-1)!.key
    }
  }
  router.get('/api/coverage/statements', allow('coverage.read'), async (request, response) => {
    const { limit, cursor, bastion, ...range } = parseInput(CoverageParameters, request.query)
    const { from, to } = daysBetween(range, clock.now())
    const first = statementsOfDay(from)
    const after = cursor !== undefined && cursor > first ? cursor : first
    await audit({ principal: principalOf(response), action: 'coverage.read', sourceIp: request.ip, repeats: true })
    const keys = await keysOf(to, bastion, after, limit + 1)
    const items = await Promise.all(keys.slice(0, limit).map(read))
    const next = keys.length > limit ? items.at(-1)!.key : null
    response.json({ items, next, total: { value: keys.length, relation: next === null && !cursor ? 'eq' : 'gte' } })
  })
  return router
}
