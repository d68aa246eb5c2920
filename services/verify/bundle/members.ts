import { BartizanError } from '../../errors.ts'
import { tampered } from '../acts.ts'
import type { Finding } from '../finding.ts'
import { maxObjectBytes } from '../read-objects.ts'
import { files, sumLine } from './bundle-format.ts'
import { none } from './read-head.ts'
import { readMembers } from './ustar.ts'

export type Member = { name: string; bytes: Buffer }

const maxSmallBytes = 32 * 1024 * 1024
const maxMembers = 110_000

/** The members of a bundle, in their order, each with what the sums have to say of it. */
export const createMembers = (pieces: AsyncIterable<Uint8Array>) => {
  const members = readMembers(pieces, maxObjectBytes)
  const sums: string[] = []
  let folder: string | null = null
  const next = async (): Promise<Member | null> => {
    const { value, done } = await members.next()
    if (done) return null
    const cut = value.name.indexOf('/')
    folder ??= value.name.slice(0, cut)
    const name = value.name.slice(0, cut) === folder ? value.name.slice(cut + 1) : value.name
    if (name !== files.sums) sums.push(sumLine(value.bytes, name))
    if (sums.length > maxMembers) throw new BartizanError('BTZ_EVIDENCE_CORRUPT', `more than ${maxMembers} files`)
    return { name, bytes: value.bytes }
  }
  return { next, folder: () => folder, sums: () => sums }
}
export type Members = ReturnType<typeof createMembers>

export const isObject = ({ name }: Member): boolean => name.startsWith('evidence/')
const names = new Set<string>(Object.values(files))

export const readSmall = async (
  members: Members,
): Promise<{ small: Map<string, Buffer>; first: Member | null; strange: string[] }> => {
  const small = new Map<string, Buffer>()
  const strange: string[] = []
  let first = await members.next()
  let held = 0
  for (; first && !isObject(first) && first.name !== files.sums; first = await members.next()) {
    held += first.bytes.byteLength
    if (held > maxSmallBytes || small.has(first.name) || !names.has(first.name)) strange.push(first.name)
    else small.set(first.name, first.bytes)
  }
  return { small, first, strange }
}

/** The sums: a line for each file that came, in its order. */
export const sumsFault = (sums: Buffer | null, members: Members): Finding | null => {
  if (sums === null) return none(files.sums)
  const [said, found] = [sums.toString().split('\n'), members.sums()]
  const at = found.findIndex((line, index) => line !== `${said[index]}\n`)
  if (at < 0 && said.length === found.length + 1 && said.at(-1) === '') return null
  const name = at < 0 ? files.sums : found[at]!.slice(66, -1)
  return tampered('bundle', name, `${files.sums} has another SHA-256, or another file`)
}
