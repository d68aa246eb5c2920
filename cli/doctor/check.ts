import type { Clock } from '#services/clock.ts'
import type { Config } from '#services/config.ts'
import type { Finding } from '#services/finding.ts'

export type Context = { config: Config; clock: Clock }

/** A group of checks. `name` stands for all of it where it does not answer in time. It changes nothing. */
export type Check = { name: string; run(context: Context): Promise<Finding[]> }

export const fine = (check: string, detail: string): Finding => ({ check, ok: true, detail })
export const wrong = (check: string, detail: string, fix: string): Finding => ({ check, ok: false, detail, fix })
export const notChecked = (check: string, reason: string): Finding => ({
  check,
  ok: true,
  skipped: true,
  detail: reason,
})

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const failed = ({ name }: Check, error: unknown): Finding =>
  wrong(name, `could not be checked: ${messageOf(error)}`, 'mend what this names, then run doctor again')

const late = ({ name }: Check, limitMs: number): Finding =>
  wrong(
    name,
    `no answer within ${limitMs} ms`,
    'see whether what it asks is overloaded, hangs, or is cut off by a firewall',
  )

const within = async (check: Check, context: Context, limitMs: number): Promise<Finding[]> => {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<Finding[]>((resolve) => {
    timer = setTimeout(() => resolve([late(check, limitMs)]), limitMs)
  })
  try {
    return await Promise.race([check.run(context), limit])
  } catch (error) {
    return [failed(check, error)]
  } finally {
    clearTimeout(timer)
  }
}

/** All at once, each with its time limit: what hangs or fails is a finding like any other. In the order of `checks`. */
export const runChecks = async (checks: Check[], context: Context, limitMs: number): Promise<Finding[]> => {
  const groups = await Promise.all(checks.map((check) => within(check, context, limitMs)))
  return groups.flat()
}
