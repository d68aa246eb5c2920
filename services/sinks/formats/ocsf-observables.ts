import type { Field, Fields } from './json-line.ts'

/** Type ids of OCSF's dictionary. */
const types: [path: string, typeId: number][] = [
  ['src_endpoint.ip', 2],
  ['src_endpoint.hostname', 1],
  ['dst_endpoint.ip', 2],
  ['dst_endpoint.hostname', 1],
  ['device.hostname', 1],
  ['user.name', 4],
  ['actor.user.name', 4],
  ['process.user.name', 4],
  ['process.cmd_line', 13],
  ['file.path', 45],
  ['file.hashes[0].value', 8],
  ['evidences[0].src_endpoint.ip', 2],
  ['evidences[0].user.name', 4],
  ['evidences[0].device.hostname', 1],
]

const valueAt = (fields: Fields, path: string): Field => {
  let value: Field = fields
  for (const step of path.split(/[.[\]]+/))
    value = typeof value === 'object' && value !== null ? (value as Fields)[step] : undefined
  return value
}

/** What is worth a pivot, and where in the event it stands. */
export const observablesOf = (fields: Fields): Fields[] =>
  types.flatMap(([name, type_id]) => {
    const value = valueAt(fields, name)
    return typeof value === 'string' && value !== '' ? [{ name, type_id, value }] : []
  })
