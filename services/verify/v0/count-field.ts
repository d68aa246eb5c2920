import { BinaryReader } from '@bufbuild/protobuf/wire'
import { corrupt } from '#services/recordings/format/block-footer.ts'

/** How often a field stands in a message, without decoding what is in it. @throws BTZ_EVIDENCE_CORRUPT */
export const countField = (message: Uint8Array, field: number): number => {
  const reader = new BinaryReader(message)
  let count = 0
  try {
    while (reader.pos < reader.len) {
      const [number, wireType] = reader.tag()
      if (number === field) count++
      reader.skip(wireType, number)
    }
  } catch (cause) {
    throw corrupt('block: the footer is no message', cause)
  }
  return count
}
