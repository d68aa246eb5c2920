import { setTimeout as sleep } from 'node:timers/promises'
import { BartizanError } from '#services/errors.ts'
import { type Instance, refusalOf } from '../instance.ts'

const callTimeoutMs = 60_000
const patienceMs = 600_000
const longestPauseMs = 30_000

/** What the instance says where a token is bound to another bastion. */
export const forbidden = /may not write for bastion/
export const forbiddenHere = (reason: string): BartizanError =>
  new BartizanError('BTZ_FORBIDDEN', reason, {
    hint: "name the token's bastion with --bastion, or use a token with role admin",
  })

const retryAfterMs = (response: Response | null): number => {
  const seconds = Number(response?.headers.get('retry-after') ?? 0)
  return Number.isFinite(seconds) ? Math.min(Math.max(0, seconds), 300) * 1_000 : 0
}

export type Upload = { path: string; contentType: string; body: string | Uint8Array<ArrayBuffer> }
/** Resolves to the answer, when what was sent is durable. */
export type Post = (upload: Upload) => Promise<unknown>

/**
 * Until it is taken: the answer. A restart of the instance, and one that is too busy, are waited for.
 * @throws BTZ_FORBIDDEN BTZ_UNAVAILABLE BTZ_REQUEST_INVALID
 */
const post = async ({ url, token }: Instance, { path, contentType, body }: Upload): Promise<unknown> => {
  const giveUpMs = performance.now() + patienceMs
  for (let pauseMs = 250; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    const response = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': contentType },
      body,
      signal: AbortSignal.timeout(callTimeoutMs),
    }).catch(() => null)
    if (response?.ok) return response.json()
    const isLater = response === null || response.status === 429 || response.status >= 500
    if (!isLater) throw await refusalOf(response)
    await response?.body?.cancel()
    const waitMs = Math.max(pauseMs * (0.5 + Math.random() / 2), retryAfterMs(response))
    if (performance.now() + waitMs > giveUpMs)
      throw new BartizanError('BTZ_UNAVAILABLE', `the instance takes nothing (${response?.status ?? 'no answer'})`, {
        hint: 'import the same files again later: what was taken is not taken twice',
      })
    await sleep(waitMs)
  }
}
export const postTo =
  (instance: Instance): Post =>
  (upload) =>
    post(instance, upload)
