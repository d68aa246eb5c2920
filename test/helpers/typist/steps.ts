/** What a typist does; truth of what came of it is what the shell itself remembers. */
export type Step =
  | { keys: string } // one by one
  | { together: string } // in one write, as a paste comes
  | { waitFor: 'prompt' | 'more' | string } // the shell's next prompt; a prompt for more of the same command; a text
  | { pauseMs: number }
  | { resize: { cols: number; rows: number } }

/** What one thing that people do at a prompt needs. */
export type Bench = {
  random: () => number
  pick<T>(from: readonly T[]): T
  upTo(most: number): number // 1 to most
  /** A word that no other line has: what is executed with it was caused by that line. */
  tag(): string
  /** Lines that a program, not the shell, reads: typed behind the line with this tag. */
  readByProgram(tag: string, lines: string[]): void
  /** Typed where it must not be kept. */
  secret(): string
}
export type Act = (bench: Bench) => Step[]

export const enter = (keys: string): Step[] => [{ keys: `${keys}\r` }, { waitFor: 'prompt' }]

const key = {
  left: '\x1b[D',
  right: '\x1b[C',
  up: '\x1b[A',
  down: '\x1b[B',
  home: '\x1b[H',
  end: '\x1b[F',
  delete: '\x1b[3~',
  wordLeft: '\x1b[1;5D',
  backspace: '\x7f',
  tab: '\t',
} as const
export const k = key

/** Escape sequences and characters that a keyboard sends in one. */
export const keysOf = (text: string): string[] =>
  text.match(/\x1b\[200~[\s\S]*?\x1b\[201~|\x1b\[[0-9;]*[A-Za-z~]|\x1bO.|\x1b.|[\s\S]/gu) ?? []
