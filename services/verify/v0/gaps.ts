import type { BlockInfo } from '#services/recordings/format/block-footer.ts'
import { sameBytes } from '#services/recordings/format/chain.ts'
import { GapReason } from '#services/recordings/format/manifest.ts'
import type { Finding } from '../finding.ts'
import type { BlockFacts } from './block.ts'

const finding = (
  verdict: Finding['verdict'],
  what: string,
  key: string,
  batchSeq: number,
  detail: string,
): Finding => ({
  level: 'sealed',
  verdict,
  what,
  where: { key, batchSeq },
  detail,
})

const between = (key: string, block: BlockInfo, before: BlockInfo | undefined): Finding | null => {
  const nextSeq = before === undefined ? 0 : before.lastSeq + 1
  if (block.firstSeq < nextSeq)
    return finding(
      'tampered',
      'overlap',
      key,
      block.firstSeq,
      `its batches up to ${nextSeq - 1} stand in another block, too`,
    )
  if (block.firstSeq > nextSeq) {
    const missing = `batches ${nextSeq} to ${block.firstSeq - 1} are not there`
    return block.gap === 'lost' || block.gap === null
      ? finding('incomplete', 'lost', key, nextSeq, missing)
      : finding('tampered', block.gap, key, nextSeq, `${missing}: ${block.gap}, as it was found on arrival`)
  }
  if (before === undefined || sameBytes(before.chainHash, block.prevHash)) return null
  return finding(
    'tampered',
    'chain',
    key,
    block.firstSeq,
    `batch ${block.firstSeq} names another predecessor than the one that stands there`,
  )
}

/** Where the blocks of a session, in the order of their batches, do not continue each other. */
export function* checkGaps(blocks: Iterable<BlockFacts>): Generator<Finding> {
  let before: BlockInfo | undefined
  for (const { key, info } of blocks) {
    if (info === null) continue
    const found = between(key, info, before)
    if (found) yield found
    if (info.gap !== null && !GapReason.safeParse(info.gap).success)
      yield finding(
        'tampered',
        'footer',
        key,
        info.firstSeq,
        'the footer names a reason for a gap that there is none of',
      )
    if (before !== undefined && before.bastion !== info.bastion)
      yield finding('tampered', 'bastion', key, info.firstSeq, `it names another bastion than the block before`)
    before = info
  }
}
