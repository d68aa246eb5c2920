import type { Elastic } from './elastic-client.ts'

const mergeMs = 10 * 60_000

/**
 * Deleted documents, and replaced ones, are in the segments until these are merged, and for some minutes longer where a
 * copy of the shard may need them to catch up: whoever wants to be sure does it again later. Needs the privilege
 * maintenance on the indices, and the setting of our templates that no deleted document may stay. @throws BTZ_UNAVAILABLE
 */
export const expungeIndices = async (elastic: Elastic, indices: readonly string[]): Promise<void> => {
  const names = indices.join(',')
  const ask = (path: string, query: Record<string, boolean>): Promise<unknown> =>
    elastic.request({
      method: 'POST',
      path: `/${names}/${path}`,
      query: { ignore_unavailable: true, ...query },
      timeoutMs: mergeMs,
      accept: [404],
    })
  const flush = () => ask('_flush', { force: true, wait_if_ongoing: true })
  await flush()
  await ask('_forcemerge', { only_expunge_deletes: true })
  await flush()
}
