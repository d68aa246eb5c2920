import type { Commands } from './commands.ts'
import type { OpenCommand } from './open-commands.ts'
import type { SessionState } from './session-state.ts'
import type { EchoScreen } from './typed/echo-screen.ts'
import type { KeyLine } from './typed/key-line.ts'
import type { EnteredLine, TypedLines } from './typed/typing.ts'

/** Version 1 of a session's progress → the present one: sessions that were open when Bartizan was upgraded go on. */

type Open1 = Omit<OpenCommand, 'prompt' | 'untaken'>
type Commands1 = Omit<Commands, 'current' | 'open'> & { current: Open1 | null; untaken: Open1[] }
type Line1 = Pick<KeyLine, 'unclear' | 'masked'> & { chars: string[]; cursor: number }
type Typed1 = Omit<TypedLines, 'screen' | 'line' | 'entered' | 'resized' | 'lastRight'> & {
  screen: Omit<EchoScreen, 'inverse' | 'isWide'>
  line: Line1 | null
  entered: Omit<EnteredLine, 'masked' | 'resized'>[]
}
export type Version1 = Omit<SessionState, 'version' | 'commands' | 'typed'> & {
  version: 1
  commands: Commands1
  typed: Typed1 | null
}

const commandsOf = ({ current, untaken, ...commands }: Commands1): Commands => ({
  ...commands,
  current: current?.number ?? null,
  open: [
    ...(current ? [{ ...current, prompt: '', untaken: false }] : []),
    ...untaken.map((one) => ({ ...one, prompt: '', untaken: true })),
  ],
})

const lineOf = ({ chars, cursor, unclear, masked }: Line1): KeyLine => {
  const [before, after] = [chars.slice(0, cursor).join(''), chars.slice(cursor).join('')]
  return { before, after, bytes: Buffer.byteLength(before + after), dropped: 0, unclear, early: false, masked }
}

const typedOf = ({ screen, line, entered, ...typed }: Typed1): TypedLines => ({
  ...typed,
  screen: { ...screen, inverse: false, isWide: true },
  line: line && lineOf(line),
  entered: entered.map((one) => ({ ...one, masked: false, resized: false })),
  resized: false,
  lastRight: '',
})

export const fromVersion1 = ({ commands, typed, ...state }: Version1): SessionState => ({
  ...state,
  version: 2,
  commands: commandsOf(commands),
  typed: typed && typedOf(typed),
})
