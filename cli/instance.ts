import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Config } from '#services/config.ts'
import { BartizanError } from '#services/errors.ts'
import { ConsoleEndpoints } from '#services/schema/uplink.ts'

/** Where `up` puts the token that lets the owner of the data folder administer it. */
export const ownerTokenFile = (data: string): string => join(data, 'owner.token')

const notRunning = (data: string, cause?: unknown) =>
  new BartizanError('BTZ_NOT_RUNNING', `no Bartizan runs on ${data}`, {
    hint: 'start it with `npm start`, or name the data folder with BARTIZAN_DATA',
    cause,
  })

const Problem = z.looseObject({
  title: z.string().optional(),
  detail: z.string().optional(),
  hint: z.string().optional(),
})

/**
 * A call to the running instance of this data folder, with BARTIZAN_TOKEN or as the folder's owner.
 * @throws BTZ_NOT_RUNNING BTZ_FORBIDDEN (with the instance's own words)
 */
export const callInstance = async (config: Config, method: string, path: string, body?: unknown): Promise<unknown> => {
  const endpoints = await readFile(join(config.data, 'endpoints.json'), 'utf8').catch((cause) => {
    throw notRunning(config.data, cause)
  })
  const { httpPort } = ConsoleEndpoints.parse(JSON.parse(endpoints))
  const token =
    process.env.BARTIZAN_TOKEN ?? (await readFile(ownerTokenFile(config.data), 'utf8').catch(() => '')).trim()
  const response = await fetch(`http://127.0.0.1:${httpPort}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  }).catch((cause) => {
    throw notRunning(config.data, cause)
  })
  const answer = response.status === 204 ? null : await response.json().catch(() => null)
  if (response.ok) return answer
  const problem = Problem.catch({}).parse(answer)
  throw new BartizanError(
    response.status === 401 || response.status === 403 ? 'BTZ_FORBIDDEN' : 'BTZ_REQUEST_INVALID',
    problem.detail ?? problem.title ?? `the instance answered ${response.status}`,
    problem.hint === undefined ? {} : { hint: problem.hint },
  )
}
