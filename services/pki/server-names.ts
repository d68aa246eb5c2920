import { isIP } from 'node:net'

/** Names have been checked when the configuration was read, or when an administrator gave them. */
export const alternativeNames = (names: readonly string[]): string[] =>
  names.map((name) => `${isIP(name) ? 'IP' : 'DNS'}:${name}`)

export const namesExtension = (names: readonly string[]): string =>
  `subjectAltName=${alternativeNames(names).join(',')}`
