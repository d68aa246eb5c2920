import { parse } from 'shell-quote'
import { z } from 'zod'
import { type FileOpening, noRecording, openingWith, sizeOrNull } from '#hooks/recorded-file.ts'

/** Headers: docs.asciinema.org/manual/asciicast/v1, /v2, /v3. What is not there, or makes no sense, is unknown. */

const maxChars = 64 * 1024
const maxNameChars = 253
const maxWords = 4096

const text = z.string().max(maxChars).nullish().catch(null)
const fields = {
  timestamp: z.number().nonnegative().nullish().catch(null), // Unix s
  command: text,
  env: z.record(z.string(), z.unknown()).nullish().catch(null),
}
const size = z.unknown().transform(sizeOrNull)
const flat = { ...fields, width: size, height: size }
const Header = z.discriminatedUnion('version', [
  z.object({ version: z.literal(1), ...flat }),
  z.object({ version: z.literal(2), ...flat }),
  z.object({ version: z.literal(3), ...fields, term: z.object({ cols: size, rows: size }).partial().catch({}) }),
])
export type CastVersion = 1 | 2 | 3

const environment = (env: Record<string, unknown> | null | undefined): Record<string, string> =>
  Object.fromEntries(
    Object.entries(env ?? {})
      .slice(0, 1000)
      .flatMap(([name, value]) => (typeof value === 'string' ? [[name, value.slice(0, maxChars)]] : [])),
  )

/** asciinema starts the command by `sh -c`; where it is plain words, these are what runs. */
const argvOf = (command: string | null | undefined, shell: string | undefined): string[] => {
  if (!command) return shell ? [shell] : []
  const words = parse(command, (name) => ({ op: `$${name}` }))
  const isPlain = words.length > 0 && words.length <= maxWords && words.every((word) => typeof word === 'string')
  return isPlain && !/[\n\\]/.test(command) ? (words as string[]) : ['sh', '-c', command]
}

const userOf = ({ USER, LOGNAME }: Record<string, string>): string | null => {
  const name = USER || LOGNAME || ''
  return name === '' || name.length > maxNameChars ? null : name
}

/** @throws BTZ_IMPORT_FAILED */
export const readHeader = (parsed: unknown): { version: CastVersion; opening: FileOpening } => {
  const { success, data: header } = Header.safeParse(parsed)
  if (!success) throw noRecording('asciicast', 'its header is not one of version 1, 2 or 3')
  const env = environment(header.env)
  const atMs = Math.floor((header.timestamp ?? 0) * 1000)
  const opening = openingWith({
    startedAtMs: atMs > 0 && Number.isSafeInteger(atMs) ? atMs : null,
    user: userOf(env),
    rows: (header.version === 3 ? header.term.rows : header.height) ?? null,
    cols: (header.version === 3 ? header.term.cols : header.width) ?? null,
    argv: argvOf(header.command, env.SHELL),
    env,
    client: `asciicast v${header.version}`,
  })
  return { version: header.version, opening }
}
