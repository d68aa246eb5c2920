import { readFileSync } from 'node:fs'

export type TypedFrame = { atMs: number; stream: 'ttyin' | 'ttyout'; data: Buffer }
export type TypedFixture = { cols: number; history: string[]; frames: TypedFrame[] }

/** A capture of a real shell, made by scripts/capture-typed-lines.ts. */
export const typedFixture = (name: string): TypedFixture => {
  const file = new URL(`../fixtures/typed-lines/${name}.json`, import.meta.url)
  const { frames, ...rest } = JSON.parse(readFileSync(file, 'utf8')) as Omit<TypedFixture, 'frames'> & {
    frames: (Omit<TypedFrame, 'data'> & { b64: string })[]
  }
  return { ...rest, frames: frames.map(({ b64, ...frame }) => ({ ...frame, data: Buffer.from(b64, 'base64') })) }
}
