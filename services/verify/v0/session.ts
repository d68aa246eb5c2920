import { parseSessionKey } from '#services/recordings/format/evidence-keys.ts'
import { type Checked, createTally, type Finding } from '../finding.ts'
import type { ReadObject } from '../read-objects.ts'
import { type BlockFacts, checkSealedBlock } from './block.ts'
import { createContentCheck } from './content.ts'
import { checkGaps } from './gaps.ts'
import { createManifestCheck } from './manifests.ts'
import { createHeadCheck, type RegisteredKey } from './signatures.ts'

/** A key, or why there is none. `what`: erased, key-missing, key-damaged. */
export type FoundKey = { key: Uint8Array } | { what: string; detail: string }

/** What it takes to look into evidence. `agentKeys`: those of a bastion, also revoked ones. */
export type ContentKeys = {
  keyOf(keyId: string): Promise<FoundKey>
  agentKeys(bastion: string): Promise<RegisteredKey[]>
}

/** Whoever may put can pile up objects: what is known of each stays in memory until the session ends. */
const maxObjects = 100_000

type Content = ReturnType<typeof createContentCheck>

/** Opened with the first block that says which bastion it comes from. */
const openContent = async ({ keyOf, agentKeys }: ContentKeys, sessionId: string, key: string, bastion: string) => {
  const found = await keyOf(`session:${sessionId}`)
  if ('key' in found)
    return createContentCheck(sessionId, found.key, createHeadCheck(sessionId, await agentKeys(bastion)))
  const finding: Finding = { level: 'content', verdict: 'unknown', where: { key }, ...found }
  return finding
}

const tooMany = (prefix: string): Finding => ({
  level: 'sealed',
  verdict: 'unknown',
  what: 'too-many',
  where: { key: prefix },
  detail: `more than ${maxObjects} objects: those after them were not looked at`,
})

/**
 * One session: its objects in key order (blocks sort before manifests), each looked at when it is its turn.
 * `keys`: null for level sealed.
 */
export async function* verifySession(
  prefix: string,
  objects: AsyncIterable<ReadObject>,
  keys: ContentKeys | null,
): AsyncGenerator<Finding, Checked> {
  const sessionId = prefix.split('/').at(-2)!
  const blocks = new Map<string, BlockFacts>()
  const manifests = createManifestCheck({ prefix, sessionId, blocks })
  const tally = createTally(prefix, sessionId)
  let content: Content | Finding | null = null

  async function* takeBlock(key: string, bytes: Uint8Array): AsyncGenerator<Finding> {
    const { facts, findings } = checkSealedBlock(key, bytes)
    yield* findings
    if (keys !== null && content === null && facts.info !== null) {
      content = await openContent(keys, sessionId, key, facts.info.bastion)
      if ('verdict' in content) yield content
    }
    if (content && 'block' in content) yield* content.block(facts, bytes)
    // Its frames have been looked at: those of a long session would fill the memory.
    blocks.set(key, { ...facts, info: facts.info && { ...facts.info, frames: [] } })
  }

  for await (const read of objects) {
    const { object, bytes, findings } = read
    if (tally.add(read) > maxObjects) {
      if (tally.counts().objects === maxObjects + 1) yield tooMany(prefix)
      continue
    }
    yield* findings
    const named = parseSessionKey(object.key)
    if (bytes === null || named === null) continue
    if (named.kind === 'block') yield* takeBlock(object.key, bytes)
    else yield* manifests.take({ key: object.key, number: named.number, bytes })
  }
  yield* checkGaps(blocks.values())
  yield* manifests.end()
  const opened = content as Content | Finding | null
  if (!opened || !('block' in opened)) return tally.counts()
  yield* opened.finish(manifests.last())
  return { ...tally.counts(), ...opened.counts() }
}
