import { hash } from 'node:crypto'
import test from 'ava'
import { createBlockBuilder } from '#services/recordings/format/block-builder.ts'
import { type BlockInfo, parseFooter } from '#services/recordings/format/block-footer.ts'
import { buildEventBlock, parseEventFooter, readEvents } from '#services/recordings/format/event-block.ts'
import { parseSessionKey } from '#services/recordings/format/evidence-keys.ts'
import { decodeFrames, encodeFrameBatch, Stream } from '#services/recordings/format/frame-batch.ts'
import { decodeManifest, encodeManifest, manifestOf } from '#services/recordings/format/manifest.ts'
import { signHead } from '#services/recordings/format/signed-head.ts'
import type { Checked, Finding } from '#services/verify/finding.ts'
import { verifyEvidence } from '#services/verify/verify-evidence.ts'
import { agentKeyOf, framesText, goldenEvidence } from '#test/helpers/golden-evidence.ts'
import { mapSource } from '#test/helpers/map-source.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** By session: objects, batches, masked places, signed heads; and all that is found. */
const expected = {
  text: [2, 9, 1, 3],
  tiny: [2, 153, 0, 39],
  binary: [4, 8, 0, 2],
  gap: [3, 10, 0, 2],
  provisional: [4, 9, 0, 3],
}
const expectedFindings = ['content unknown erased', 'content unknown unsigned 0', 'sealed incomplete lost 2']
const signed = 'e12e3ec4ce2126962a25dd0ee3ab5834b06d028214793e4cba52b3fa0120c083'
const frames = {
  text: '91c436afd77e7736e0047fca31407614ae2237159de2692513beb070f0968f32',
  tiny: '98196454bce3fc08187dc36b791962c9b519d1ed061eb53dd40afb4797bcddd7',
  binary: '9f9187454040a1aa4c3c9da74cdf4b034ac620669c72d15835f4c2fe2c850e2f',
  gap: 'a758d8326767ef156419b636089e19b2134148dd814959e188e7a6d8e8e7599e',
  provisional: '16e8ebae2d471db96efd88c4ba5323b50e6437514581af6886cc483257fe7a68',
}
const screen = [
  'Last login: Sat Jan 31 11:58:02 2026 from 192.0.2.7\r\nalice@bastion-1:~$ ls\r\nnotes.txt  péché.md  日本語\r\n',
  'alice@bastion-1:~$ \u001b[H\u001b[2Jsudo -s\r\n[sudo] password for alice: \r\nroot@bastion-1:/home/alice# vi x\r\n\u001b[?1049h',
  '\u001b[?1049lroot@bastion-1:/home/alice# exit\r\n',
].join('')

for (const format of [0, 1] as const) {
  const golden = goldenEvidence(format)

  test(`recordings of format v${format} are verified, with these counts and findings and no others`, async (t) => {
    const checked = new Map<string | null, Checked>()
    const findings: Finding[] = []
    for await (const report of verifyEvidence(mapSource(golden.objects), { prefix: '' }, golden.contentKeys)) {
      if (report.type === 'finding') findings.push(report.finding)
      else if (report.type === 'checked') checked.set(report.checked.sessionId, report.checked)
    }
    const countsOf = ({ objects, batches, masked, signers }: Checked) => [objects, batches, masked, signers[0]?.heads]
    for (const [name, [objects, ...counts]] of Object.entries(expected)) {
      const found = checked.get(golden.sessionOf(name).sessionId)!
      const more = format === 1 && name === 'tiny' ? 1 : 0 // salts made it a block more
      t.deepEqual(countsOf(found), [objects! + more, ...counts], name)
      t.deepEqual(
        found.signers.map(({ keyId }) => keyId),
        [signed],
      )
    }
    t.is(checked.size, 6)
    t.is(checked.get(null)?.objects, 2)
    const told = findings.map(({ level, verdict, what, where }) =>
      [level, verdict, what, where.batchSeq].join(' ').trim(),
    )
    t.deepEqual(told.sort(), expectedFindings)
  })

  test(`recordings of format v${format} are read to the bytes that were recorded`, async (t) => {
    for (const [name, digest] of Object.entries(frames))
      t.is(hash('sha256', framesText(golden.sessionOf(name).frames())), digest, name)
    const text = golden.sessionOf('text').frames()
    const shown = text.filter(({ stream }) => stream === Stream.TTYOUT).map(({ data }) => data)
    t.is(Buffer.concat(shown).toString(), screen)
    t.deepEqual(text.find(({ stream }) => stream === Stream.RESIZE)?.data, Buffer.of(0, 40, 0, 132))
    t.deepEqual(
      text.flatMap(({ masked }) => masked ?? []),
      [{ length: 14, rule: 'tty-no-echo' }],
    )
    const events: unknown[] = []
    for (const [key, block] of golden.objects) {
      if (!key.startsWith(golden.events.prefix)) continue
      for await (const { offset, value } of readEvents(block, async (id) => golden.keyOf(id)))
        events.push([offset, value && JSON.parse(Buffer.from(value).toString()).kind])
    }
    t.deepEqual(events, [
      [40, 'login'],
      [41, 'command'],
      [44, null],
      [45, 'posture'],
      [46, 'recorder_health'],
    ])
  })

  test(`the same batches and salts give the blocks and manifests of format v${format} that stand there`, (t) => {
    if (process.versions.zstd !== golden.zstd)
      t.log(`zstd ${process.versions.zstd}, not ${golden.zstd}: sizes may differ`)
    for (const name of Object.keys(expected)) {
      const { prefix, sessionId, key: sessionKey, blocks, manifests, batches } = golden.sessionOf(name)
      const all = batches()
      const infos = new Map<string, BlockInfo>(
        blocks.map((key) => [key, parseFooter(golden.objects.get(key)!, golden.objects.get(key)!.byteLength)]),
      )
      for (const [key, { salt, gap, seals, firstSeq, lastSeq }] of infos) {
        const builder = createBlockBuilder({ sessionId, bastion: golden.bastion, sessionKey, gap, format, salt })
        for (const batch of all)
          if (batch.decoded.batchSeq >= firstSeq && batch.decoded.batchSeq <= lastSeq) builder.append(batch)
        const { bytes } = builder.finish(seals)
        if (process.versions.zstd === golden.zstd) t.is(hex(bytes), hex(golden.objects.get(key)!), key)
      }
      let previous: { key: string; bytes: Uint8Array } | null = null
      for (const key of manifests) {
        const bytes = golden.objects.get(key)!
        const { endReason, provisional, blocks: named } = decodeManifest(bytes)
        const standing = named.map((block) => ({
          key: block.key,
          info: infos.get(block.key)!,
          sha256: hash('sha256', golden.objects.get(block.key)!, 'buffer'),
        }))
        t.deepEqual(
          named.map((block) => parseSessionKey(block.key)?.prefix),
          named.map(() => prefix),
        )
        const manifest = manifestOf(standing, { endReason, provisional }, previous)
        t.is(manifest.format, format)
        t.deepEqual(Buffer.from(encodeManifest(manifest)), Buffer.from(bytes), key)
        previous = { key, bytes }
      }
    }
  })

  test(`the same frames, salts and key of the agent give the batches of the recordings of format v${format}`, (t) => {
    const agent = agentKeyOf(golden)
    for (const name of Object.keys(expected)) {
      const { sessionId, batches } = golden.sessionOf(name)
      for (const { finished, decoded } of batches()) {
        const { message, endNs, frameCount, head, ...header } = decoded
        t.is(message.format, format)
        t.is(message.salt.byteLength, format === 1 && (frameCount > 0 || message.start || message.end) ? 16 : 0)
        const again = head && signHead(agent, { sessionId, seq: head.seq, hash: head.hash, atMs: head.atMs })
        const encoded = encodeFrameBatch({ ...header, ...(again && { head: again }) }, decodeFrames(decoded))
        if (process.versions.zstd === golden.zstd)
          t.is(hex(encoded), hex(finished), `${name}, batch ${header.batchSeq}`)
      }
    }
  })
}

test('the same records and salt give the blocks of events of format v1 that stand there', async (t) => {
  const golden = goldenEvidence(1)
  for (const [key, block] of golden.objects) {
    if (!key.startsWith(golden.events.prefix)) continue
    const { footer, ...place } = parseEventFooter(block, block.byteLength)
    const records = []
    for await (const { offset, keyId, value } of readEvents(block, async (id) => golden.keyOf(id)))
      records.push({
        offset,
        atMs: Number(footer.firstAtMs) - place.firstOffset + offset,
        keyId,
        key: golden.keyOf(keyId),
        value: value ?? Buffer.of(),
      })
    const { busId, topic, partition } = place
    const again = buildEventBlock({ busId, topic, partition }, records, footer.salt)
    if (process.versions.zstd === golden.zstd) t.is(hex(again), hex(block), key)
    t.deepEqual(
      Buffer.from(footer.ciphertextSha256),
      hash('sha256', block.subarray(0, place.ciphertextBytes), 'buffer'),
    )
  }
})
