import { maskArgv } from '#services/masking/mask-argv.ts'
import { type Frame, Stream } from '#services/recordings/format/frame-batch.ts'
import type { Marker } from '#services/schema/marker.ts'

/** A marker is read as a whole: it has to fit into one batch. */
const maxMarkerBytes = 192 * 1024
const execStart = Buffer.from('{"type":"exec"')

const cut = (text: string, maxChars: number): string =>
  text.length <= maxChars ? text : `${text.slice(0, maxChars).toWellFormed()}…`

const shortened = (marker: Marker): Marker => {
  if (marker.type === 'exec') return { ...marker, argv: marker.argv.slice(0, 64).map((word) => cut(word, 512)) }
  if (marker.type === 'alert') return { ...marker, reason: cut(marker.reason, 8192) }
  return { ...marker, detail: cut(marker.detail, 8192) }
}

/** The marker without the secrets of its command. */
export const maskedMarker = (marker: Marker): Marker =>
  marker.type === 'exec' ? { ...marker, argv: maskArgv(marker.argv) } : marker

export const markerFrame = (marker: Marker, delayNs = 0n): Frame => {
  const { type, ...fields } = marker
  const whole = Buffer.from(JSON.stringify({ type, ...fields }))
  const data = whole.byteLength <= maxMarkerBytes ? whole : Buffer.from(JSON.stringify(shortened(marker)))
  return { delayNs, stream: Stream.MARKER, data }
}

/** Without parsing: `type` comes first in what markerFrame writes. */
export const isExecMarker = ({ stream, data }: Frame): boolean =>
  stream === Stream.MARKER && Buffer.compare(data.subarray(0, execStart.length), execStart) === 0

/** Markers the agent itself put into the stream: a source that sends again does not know them. */
export const isOwnMarker = ({ stream, data }: Frame): boolean =>
  stream === Stream.MARKER && /^\{"type":"(?:gap|resumed)"/.test(Buffer.from(data.subarray(0, 32)).toString('latin1'))
