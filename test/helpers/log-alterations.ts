import { signCheckpoint } from '#services/proofs/checkpoint.ts'
import { leafOfObject } from '#services/proofs/leaf.ts'
import { decodeManifest, encodeManifest } from '#services/recordings/format/manifest.ts'
import { evidenceLog, logSigner } from './evidence-log.ts'
import { eventBlock, eventBlockAt, type LoggedEvidence } from './logged-evidence.ts'

/**
 * One alteration of evidence and log together. `located`: it has to be found at one of these. `kept`: checkpoints that
 * somebody has elsewhere.
 */
export type LogAlteration = {
  name: string
  objects: Map<string, Uint8Array>
  located: string[]
  kept?: Uint8Array[]
}

export const createLogAlterations = (evidence: LoggedEvidence, random: () => number) => {
  const { log, stored, sessions, manifests, hold } = evidence
  const { keys, notes, sizes } = log
  const below = (count: number): number => Math.floor(random() * count)
  const any = <T>(items: readonly T[]): T => items[below(items.length)]!
  const intact = new Map([...stored, ...log.objects])
  const latest = keys.checkpoint(log.size())
  /** What a checkpoint vouched for a later one vouches for, too: without it nothing is missing. */
  const needed = [...log.objects.keys()].filter((key) => keys.sizeOf(key) === null || key === latest)

  const changed = (name: string, changes: Record<string, Uint8Array | null>): LogAlteration => {
    const objects = new Map(intact)
    for (const [key, bytes] of Object.entries(changes)) {
      if (bytes) objects.set(key, bytes)
      else objects.delete(key)
    }
    return { name, objects, located: Object.keys(changes) }
  }
  const bitFlip = (): LogAlteration => {
    const key = any([...log.objects.keys()])
    const bytes = Uint8Array.from(intact.get(key)!)
    const at = below(bytes.byteLength)
    bytes[at]! ^= 1 << below(8)
    return changed(`bit of byte ${at} of ${key}`, { [key]: bytes })
  }
  const drop = (): LogAlteration => {
    const key = any(needed)
    const alteration = changed(`without ${key}`, { [key]: null })
    return key === latest ? { ...alteration, kept: [notes.at(-1)!] } : alteration
  }
  const swap = (): LogAlteration => {
    const [key, other] = [any(needed), any(needed)]
    const [bytes, others] = [intact.get(key)!, intact.get(other)!]
    if (Buffer.compare(bytes, others) === 0) return swap()
    return changed(`${key} and ${other} swapped`, { [key]: others, [other]: bytes })
  }
  const truncate = (): LogAlteration => {
    const key = any([...log.objects.keys()])
    const bytes = intact.get(key)!
    const at = below(bytes.byteLength)
    return changed(`${key} cut at ${at}`, { [key]: random() < 0.5 ? bytes.subarray(0, at) : bytes.subarray(at + 1) })
  }
  /** A later checkpoint that is a copy of another: the log would seem to have grown. */
  const duplicate = (): LogAlteration => {
    const key = keys.checkpoint(log.size() + 1 + below(1000))
    return changed(`a checkpoint again as ${key}`, { [key]: any(notes) })
  }

  /** The log as another one made it, with the evidence that fits. */
  const rewritten = async (leaves: typeof log.leaves, signer = log.signer) => {
    const other = evidenceLog(signer)
    for (const [at, size] of sizes.entries()) {
      const added = leaves.slice(sizes[at - 1] ?? 0, size)
      if (added.length > 0) await other.append(added)
    }
    return other
  }
  const rewound = async (): Promise<LogAlteration> => {
    const [until, kept] = random() < 0.5 ? [1, 1 + below(2)] : [2, 2]
    const older = await rewritten(log.leaves.slice(0, sizes[until - 1]))
    const objects = new Map([...stored, ...older.objects])
    // Half of them with all evidence since.
    if (random() < 0.5) for (const key of manifests.slice(until === 1 ? 1 : manifests.length)) objects.delete(key)
    return {
      name: `rewound to ${sizes[until - 1]}`,
      objects,
      located: [keys.checkpoint(sizes[kept]!)],
      kept: [notes[kept]!],
    }
  }
  const forked = async (): Promise<LogAlteration> => {
    const at = below(sizes[0]!)
    const leaves = random() < 0.5 ? log.leaves.toSpliced(at, 1) : log.leaves.with(at, any(log.leaves.toSpliced(at, 1)))
    const { objects } = await rewritten(leaves)
    const kept = below(2)
    const located = [keys.checkpoint(sizes[kept]!)]
    return { name: `forked at leaf ${at}`, objects: new Map([...stored, ...objects]), located, kept: [notes[kept]!] }
  }
  const forgedCheckpoint = (): LogAlteration => {
    const size = any(sizes)
    const key = keys.checkpoint(size)
    const root = Uint8Array.from({ length: 32 }, () => below(256))
    const forger = { name: log.signer.name, privateKey: logSigner().privateKey }
    const [text, signature] = [signCheckpoint(size, root, forger), intact.get(key)!.toString().split('\n\n')[1]!]
    const forged = [text, `${text.split('\n\n')[0]}\n\n${signature}`, signCheckpoint(size, root, log.signer)]
    return changed(`forged checkpoint of ${size}`, { [key]: Buffer.from(any(forged)) })
  }
  /** All of the log under another key, which is then under other names as well. */
  const resigned = async (): Promise<LogAlteration> => {
    const stranger = { name: log.signer.name, privateKey: logSigner().privateKey }
    const other = await rewritten(log.leaves, stranger)
    const objects = new Map(stored)
    const folder = (key: string) => key.split('/').slice(0, 3).join('/')
    const [ours, theirs] = [folder(latest), folder(other.keys.checkpoint(1))]
    for (const [key, bytes] of other.objects) objects.set(key.replace(theirs, ours), bytes)
    return { name: 'signed by another key', objects, located: sizes.map(keys.checkpoint), kept: [notes.at(-1)!] }
  }
  /** Who may write to bucket and bus: another manifest, another act or block, and a leaf for it at the end of the log. */
  const insider = async (): Promise<LogAlteration> => {
    const key = any([any(manifests), hold, eventBlockAt(7)])
    const kind = key === hold ? 'act' : key === eventBlockAt(7) ? 'events' : 'manifest'
    const bytes = { act: anotherAct, events: () => eventBlock(7), manifest: () => anotherManifest(key) }[kind]()
    const other = await rewritten(log.leaves)
    await other.append([leafOfObject(kind, key, bytes)])
    return {
      name: `${key} and a leaf for it`,
      objects: new Map([...stored, ...other.objects]).set(key, bytes),
      located: [key],
    }
  }
  const anotherAct = (): Uint8Array => {
    const bytes = Uint8Array.from(stored.get(hold)!)
    bytes[below(bytes.byteLength)]! ^= 1
    return bytes
  }
  const anotherManifest = (key: string): Uint8Array =>
    encodeManifest({ ...decodeManifest(stored.get(key)!), bastion: 'bastion-2' as never })

  /** What is gone as a whole, so that nothing is left that misses it. */
  const gone = (): LogAlteration => {
    const session = any(sessions).prefix
    const prefix = any([session, session, hold, eventBlockAt(7)])
    const objects = new Map([...intact].filter(([key]) => !key.startsWith(prefix)))
    const located = prefix === session ? manifests.filter((key) => key.startsWith(prefix)) : [prefix]
    return { name: `all of ${prefix} gone`, objects, located }
  }
  const log_ = { bitFlip, drop, swap, truncate, duplicate, rewound, forked, forgedCheckpoint, resigned, insider, gone }
  return log_ as Record<keyof typeof log_, () => LogAlteration | Promise<LogAlteration>>
}
