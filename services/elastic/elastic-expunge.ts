import type { Elastic } from './elastic-client.ts'

const mergeMs = 10 * 60_000
const setting = 'index.merge.policy.expunge_deletes_allowed'

/**
 * Deleted documents, and replaced ones, are in the segments until these are merged, and for some minutes longer where a
 * copy of the shard may need them to catch up: whoever wants to be sure does it again later. Needs the privileges manage
 * and maintenance on the indices. @throws BTZ_UNAVAILABLE
 */
export const expungeIndices = async (elastic: Elastic, indices: readonly string[]): Promise<void> => {
  const names = indices.join(',')
  const ask = (
    method: 'POST' | 'PUT',
    path: string,
    more: { query?: Record<string, boolean>; body?: object } = {},
  ): Promise<unknown> =>
    elastic.request({
      method,
      path: `/${names}/${path}`,
      ...more,
      query: { ignore_unavailable: true, ...more.query },
      timeoutMs: mergeMs,
      accept: [404],
    })
  const flush = () => ask('POST', '_flush', { query: { force: true, wait_if_ongoing: true } })
  await flush()
  await ask('PUT', '_settings', { body: { [setting]: 0 } }) // by default a segment may keep a tenth of deleted documents
  try {
    await ask('POST', '_forcemerge', { query: { only_expunge_deletes: true } })
  } finally {
    await ask('PUT', '_settings', { body: { [setting]: null } })
  }
  await flush()
}
