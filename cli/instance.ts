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

export type Instance = { url: string; token: string }

/** The running instance of this data folder, and BARTIZAN_TOKEN or the owner's. @throws BTZ_NOT_RUNNING */
export const findInstance = async ({ data }: Config): Promise<Instance> => {
  const endpoints = await readFile(join(data, 'endpoints.json'), 'utf8').catch((cause) => {
    throw notRunning(data, cause)
  })
  const { httpPort } = ConsoleEndpoints.parse(JSON.parse(endpoints))
  const token = process.env.BARTIZAN_TOKEN ?? (await readFile(ownerTokenFile(data), 'utf8').catch(() => '')).trim()
  return { url: `http://127.0.0.1:${httpPort}`, token }
}

/** What an answer other than 2xx says. */
export const refusalOf = async (response: Response): Promise<BartizanError> => {
  const problem = Problem.catch({}).parse(await response.json().catch(() => null))
  return new BartizanError(
    response.status === 401 || response.status === 403 ? 'BTZ_FORBIDDEN' : 'BTZ_REQUEST_INVALID',
    problem.detail ?? problem.title ?? `the instance answered ${response.status}`,
    problem.hint === undefined ? {} : { hint: problem.hint },
  )
}

/**
 * A call to the running instance of this data folder, with BARTIZAN_TOKEN or as the folder's owner.
 * @throws BTZ_NOT_RUNNING BTZ_UNAVAILABLE BTZ_FORBIDDEN (with the instance's own words)
 */
export const callInstance = async (
  config: Config,
  method: string,
  path: string,
  body?: unknown,
  timeoutMs = 10_000,
): Promise<unknown> => {
  const { url, token } = await findInstance(config)
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(timeoutMs),
  }).catch((cause: Error) => {
    if (cause.name !== 'TimeoutError') throw notRunning(config.data, cause)
    throw new BartizanError('BTZ_UNAVAILABLE', `the instance did not answer within ${timeoutMs / 1_000} s`, { cause })
  })
  if (!response.ok) throw await refusalOf(response)
  return response.status === 204 ? null : response.json().catch(() => null)
}
