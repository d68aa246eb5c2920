const multiplier = 0x5bd1e995

const mix = (word: number): number => {
  const product = Math.imul(word, multiplier)
  return Math.imul(product ^ (product >>> 24), multiplier)
}

/** MurmurHash2, 32 bit, with Kafka's seed (org.apache.kafka.common.utils.Utils.murmur2); signed, as in Java. */
export const murmur2 = (bytes: Uint8Array): number => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const wholeBytes = bytes.byteLength & ~3
  let hash = 0x9747b28c ^ bytes.byteLength
  for (let at = 0; at < wholeBytes; at += 4) hash = Math.imul(hash, multiplier) ^ mix(view.getInt32(at, true))
  if (wholeBytes < bytes.byteLength) {
    let rest = 0
    for (let at = bytes.byteLength - 1; at >= wholeBytes; at--) rest = (rest << 8) | view.getUint8(at)
    hash = Math.imul(hash ^ rest, multiplier)
  }
  hash = Math.imul(hash ^ (hash >>> 13), multiplier)
  return hash ^ (hash >>> 15)
}

/** The partition Kafka's default partitioner picks, so that a key falls alike on both buses. */
export const partitionOfKey = (key: string, partitions: number): number =>
  (murmur2(Buffer.from(key)) & 0x7fffffff) % partitions
