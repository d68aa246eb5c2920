import { isIP } from 'node:net'

/** Names have been checked when the configuration was read. */
export const namesExtension = (names: readonly string[]): string =>
  `subjectAltName=${names.map((name) => `${isIP(name) ? 'IP' : 'DNS'}:${name}`).join(',')}`
