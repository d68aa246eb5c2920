/**
 * What a piece of output says about the keys typed before it. What real programs send:
 * - a line editor (readline, zle, libedit) prints the key, with cursor moves when it is not at the end of the line;
 * - vim, less, top answer with cursor addressing (CSI) and text;
 * - getpass, ssh, su, sudo, read -s print nothing while typing and CR LF after Enter;
 * - sudo's pwfeedback prints `*` per key, `BS SP BS` per erased one; other prompts redraw `Prompt: ***`.
 * So no answer at all: bell, CR LF, blanks, `BS SP BS`, titles (OSC), colours (SGR), mode switches (CSI ? h l), queries.
 */
export type OutputAnswer = {
  cuts: string[] // visible text, latin1, cut where the cursor jumps: CR, LF, BS, cursor movements; the first cut goes on where the output before ended
  lines: string[] // those that are not empty
  moves: boolean // the cursor was moved or something erased by CSI, or ESC M: how screen programs and line editors work
  answers: boolean // there is more than bells, blanks and line ends
  masks: boolean // all that is visible is mask characters
  trailingMasks: number // mask characters at the end
}

const scannedBytes = 64 * 1024
// CSI … final | OSC, DCS, SOS, PM, APC … end | ESC intermediates final. Classes are disjoint: linear time.
const sequences = /\x1b(?:\[([0-?]*[ -/]*[@-~])|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|([ -/]*[0-~]))/g
const movingCsi = /^[0-9;]*[A-HJKLMPSTXd-f@`]$/
const erasedKeys = /\x08 \x08/g
const maskCharacters = /\*|\xe2\x80\xa2|\xe2\x97\x8f/g // * • ●, as UTF-8 bytes
const onlyMasks = /^(?:\*|\xe2\x80\xa2|\xe2\x97\x8f)+$/
const masksAtEnd = /(?:\*|\xe2\x80\xa2|\xe2\x97\x8f){1,256}$/

const countMasks = (text: string): number => text.match(maskCharacters)?.length ?? 0

export const readOutput = (data: Uint8Array): OutputAnswer => {
  let moves = false
  const raw = Buffer.from(data.buffer, data.byteOffset, Math.min(data.byteLength, scannedBytes)).toString('latin1')
  const text = raw
    .replace(erasedKeys, '')
    .replace(sequences, (_all, csi: string | undefined, short: string | undefined) => {
      const jumps = csi !== undefined ? movingCsi.test(csi) : short === 'M'
      moves ||= jumps
      return jumps ? '\n' : ''
    })
  const steps = text.includes('\b') // readline's vi mode answers h so
  const cuts = text.split(/[\r\n\b]+/).map((cut) => cut.replace(/[\x00-\x1f\x7f]/g, ''))
  const visible = cuts.join('').replaceAll(' ', '')
  return {
    cuts,
    lines: cuts.filter((cut) => cut !== ''),
    moves,
    answers: moves || steps || visible !== '',
    masks: onlyMasks.test(visible),
    trailingMasks: countMasks(masksAtEnd.exec(visible.slice(-768))?.[0] ?? ''),
  }
}
