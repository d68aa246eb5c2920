import type { Elastic } from '../elastic/elastic-client.ts'
import { BartizanError } from '../errors.ts'

const maxBastions = 10_000

/** By the terms of the inverted index, sorted: the field has no values to aggregate by. @throws BTZ_UNAVAILABLE */
export const bastionsOf = async (elastic: Elastic, index: string): Promise<string[]> => {
  const { body } = await elastic.request<{ terms?: string[]; complete?: boolean }>({
    method: 'POST',
    path: `/${index}/_terms_enum`,
    body: { field: 'bastion', size: maxBastions },
    accept: [404],
  })
  if (body.complete === false)
    throw new BartizanError('BTZ_UNAVAILABLE', 'Elasticsearch cannot list all names of bastions now')
  return body.terms ?? []
}
