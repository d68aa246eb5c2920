import type { ValueField, ValuesQuery } from './catalog.ts'
import type { Ask } from './elastic-ask.ts'
import type { CatalogIndices } from './elastic-mappings.ts'

const fields: Record<ValueField, string[]> = {
  user: ['user'],
  host: ['target', 'bastion'],
  bastion: ['bastion'],
  ip: ['sourceIp'],
}

export const readValues = async (
  ask: Ask,
  { sessions }: CatalogIndices,
  { field, prefix, limit }: ValuesQuery,
): Promise<string[]> => {
  const found = await Promise.all(fields[field].map((one) => ask.termsOf(sessions, { field: one, prefix, limit })))
  return [...new Set(found.flat())].sort().slice(0, limit)
}
