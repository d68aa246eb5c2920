import type { Piece } from './held-frame.ts'
import { countKeys } from './typed-keys.ts'
import { type KeyPolicy, newLine, type TypedLine, type Verdict } from './typed-line.ts'
import type { TypedPart } from './typed-parts.ts'

export type TypedWhen = { nowMs: number; alternate: boolean }

/** Follows the lines of typing; decides at once what the terminal's mode decides. */
export type Typing = {
  take(parts: readonly TypedPart[], policy: KeyPolicy, when: TypedWhen): Piece[]
  readonly line: TypedLine // that is being typed
}

const verdictOf = (line: TypedLine, policy: KeyPolicy): Verdict | null => {
  // What began without echo is one answer up to Enter, whatever is read later.
  if (policy === 'mask' || line.policy === 'mask') line.policy = 'mask'
  else if (policy === 'echo') line.policy = 'echo'
  if (line.policy === 'mask') return 'tty-no-echo'
  return policy === 'keep' && line.policy !== 'echo' ? 'keep' : null
}

const textPiece = (line: TypedLine, bytes: Uint8Array, policy: KeyPolicy, when: TypedWhen): Piece => {
  const verdict = verdictOf(line, policy)
  const keys = countKeys(bytes, line.unanswered > 0 ? line.lastKey : 0)
  line.keys += keys
  if (verdict === null) line.unanswered += keys
  line.lastKey = bytes.at(-1)!
  line.lastKeyMs = when.nowMs
  line.alternate = when.alternate
  return { bytes, verdict, line, keys, echoed: 0, typedMs: when.nowMs, outputMs: null }
}

export const createTyping = (): Typing => {
  let line = newLine()
  let pasting = false

  const endLine = (nowMs: number): void => {
    line.endedMs = nowMs
    line = newLine()
    pasting = false
  }

  const pieceOf = (part: TypedPart, policy: KeyPolicy, when: TypedWhen): Piece => {
    if (part.kind === 'text') return textPiece(line, part.bytes, policy, when)
    return { bytes: part.bytes, verdict: 'keep', line, keys: 0, echoed: 0, typedMs: when.nowMs, outputMs: null }
  }

  return {
    take: (parts, first, when) => {
      let policy = first
      return parts.map((part) => {
        if (part.paste) pasting = part.paste === 'starts'
        line.pasted ||= pasting
        const piece = pieceOf(part, policy, when)
        if (part.endsLine && !pasting) {
          endLine(when.nowMs)
          // The lines behind the first were typed ahead of whoever reads them, and may be echoed then.
          if (policy === 'mask') policy = 'echo'
        }
        return piece
      })
    },
    get line() {
      return line
    },
  }
}
