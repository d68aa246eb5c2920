/**
 * When a segment ends. A player fetches whole segments: they are small enough to come at once (256 KiB), and a minute of
 * somebody at work is one even where little was printed. A pause, a resize, a full-screen program's begin or end are
 * better places than the middle of output, but a segment costs a keyframe and a request: so they count only once there is
 * something to cut off, or a program that switches screens without end would make a segment of each switch.
 */
const fullBytes = 256 * 1024
const fullActiveUs = 60_000_000
const sensibleBytes = 64 * 1024
const sensibleActiveUs = 20_000_000
const pauseUs = 5_000_000
const pauseActiveUs = 30_000_000 // else somebody who types a key a minute makes a segment of a few keys
/** What a longer silence counts as: thinking is work, being away is none. */
export const mostActiveUs = 1_000_000
/** Where every frame begins in the middle of something, a frame is cut. */
export const overfullBytes = 2 * fullBytes

/** What an event costs beyond its data, as it is sent to the player. */
export const eventBytes = 16

export type OpenSegment = {
  startUs: number
  bytes: number
  activeUs: number
  isAlternate: boolean
  /** Its keyframe holds the hidden screen in the size of the shown one: see `hasOneSize` of the emulator. */
  isApproximate: boolean
}

/**
 * A hidden screen of another size is exact in a keyframe until the next resize. So no segment begins with one as long as
 * it can be helped, and after that each resize, almost, ends it.
 */
export const mayApproximate = (open: OpenSegment): boolean => open.isApproximate || open.bytes >= overfullBytes
const leastApproximateBytes = 2 * 1024

/** `gapUs`: since the event before. */
export const isDue = (open: OpenSegment, now: { gapUs: number; isAlternate: boolean; isResize: boolean }): boolean => {
  if (now.isResize && open.isApproximate && open.bytes >= leastApproximateBytes) return true
  if (open.bytes >= fullBytes || open.activeUs >= fullActiveUs) return true
  if (open.bytes < sensibleBytes && open.activeUs < sensibleActiveUs) return false
  if (now.isResize || now.isAlternate !== open.isAlternate) return true
  return now.gapUs >= pauseUs && (open.bytes >= sensibleBytes || open.activeUs >= pauseActiveUs)
}
