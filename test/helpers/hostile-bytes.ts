import { seededRandom } from './seeded-random.ts'

/** What recorders stumble over: every byte there is, NUL, text that is no UTF-8 or ends within a character, a burst. */
export const hostileBytes = (burstBytes = 100_000): Buffer => {
  const random = seededRandom(7)
  const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
  const burst = Buffer.from(Array.from({ length: burstBytes }, () => Math.floor(random() * 256)))
  const broken = Buffer.from([0xff, 0xfe, 0, 0, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0xf0, 0x9f, 0x98, 0x1b, 0x5b, 0x32, 0x4a])
  return Buffer.concat([every, broken, Buffer.from('世界 \ufffd'), burst, Buffer.from([0xe2, 0x82])])
}
