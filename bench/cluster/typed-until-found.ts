import type { Product } from '#test/helpers/running.ts'
import { connectSudoClient, loginInfos } from '#test/helpers/sudo-client.ts'
import { until } from '#test/helpers/until.ts'

const askEveryMs = 5
const limitMs = 60_000

/** Types lines as a person does and asks for each over HTTP until it is found: ms from Enter, in ascending order. */
export const typedUntilFound = async (product: Product, lines: number): Promise<number[]> => {
  const client = await connectSudoClient(product.endpoints.sudoPort)
  client.accept(loginInfos())
  await client.logId()
  client.io('ttyoutBuf', '$ ')
  // What cannot answer yet has not found it either.
  const isFound = async (text: string): Promise<boolean> => {
    const answer = await product.raw(`/api/sessions?q=${text}`)
    return answer.ok && ((await answer.json()) as { items: unknown[] }).items.length > 0
  }

  const tookMs: number[] = []
  for (let n = 0; n < lines; n++) {
    const text = `marker${n}x${process.pid}`
    for (const key of `echo ${text}\r`) {
      client.io('ttyinBuf', key)
      client.io('ttyoutBuf', key === '\r' ? '\r\n$ ' : key)
    }
    const sentMs = performance.now()
    await until(() => isFound(text), { limitMs, everyMs: askEveryMs, what: `line ${n} found` })
    tookMs.push(performance.now() - sentMs)
  }
  client.exit()
  await client.committed()
  return tookMs.toSorted((a, b) => a - b)
}

/** Of ascending times: the one that `share` of them do not exceed. */
export const at = (ascending: number[], share: number): number =>
  Math.round(ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))]!)
