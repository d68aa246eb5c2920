import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { createPlayerTerminal, type PlayerTerminal } from '#services/terminal/player-terminal.ts'

type Listener = (data: unknown) => void
type Core = {
  addEventListener(name: string, listener: Listener): void
  terminalReady(): void
  init(): Promise<void>
  seek(seconds: number): Promise<unknown>
  stop(): Promise<unknown>
  getDuration(): number
}
type CoreClass = new (source: object, options: object) => Core

const folder = dirname(fileURLToPath(import.meta.resolve('asciinema-player')))

/** The player without its page: drivers and checks of what it loads. Its file has a name that changes with it. */
const loadCore = async (): Promise<CoreClass> => {
  const file = readdirSync(folder).find(
    (name) => name.endsWith('.js') && readFileSync(join(folder, name), 'utf8').includes('\nclass Core {'),
  )
  if (file === undefined) throw new Error('asciinema-player has no module with its core any more')
  const loaded: { C: CoreClass } = await import(pathToFileURL(join(folder, file)).href)
  return loaded.C
}

const silent = { log: () => {}, debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
const textOf = (data: unknown): string => (Array.isArray(data) ? data.join('') : String(data))

/**
 * A recording in the shipped player: its own driver fetches, checks and seeks, its own terminal shows.
 * @throws what the player says of a recording that it cannot play
 */
export const openShippedPlayer = async (url: string, headers: Record<string, string>) => {
  const CoreOfPlayer = await loadCore()
  const source = { driver: 'recording', format: 'segmented', url, fetchOpts: { headers } }
  const core = new CoreOfPlayer(source, { logger: silent, preload: true, speed: 1, loop: false })
  let terminal: PlayerTerminal = createPlayerTerminal({ cols: 80, rows: 24 })
  const failed: { error: unknown } = { error: null }
  const loaded = Promise.withResolvers<void>()
  core.addEventListener('reset', (data) => {
    const { size, init } = data as { size: { cols: number; rows: number }; init?: string }
    terminal = createPlayerTerminal(size)
    if (init) terminal.feed(init)
  })
  core.addEventListener('output', (data) => terminal.feed(textOf(data)))
  core.addEventListener('resize', (data) => {
    const { cols, rows } = data as { cols: number; rows: number }
    terminal.resize(cols, rows)
  })
  core.addEventListener('metadata', () => loaded.resolve())
  core.addEventListener('error', (data) => {
    failed.error = data
    loaded.reject(new Error(JSON.stringify(data)))
  })
  core.terminalReady()
  await core.init()
  await loaded.promise
  return {
    durationSeconds: core.getDuration(),
    /** @returns the terminal as it stands there */
    seek: async (seconds: number): Promise<PlayerTerminal> => {
      await core.seek(seconds)
      if (failed.error !== null) throw new Error(JSON.stringify(failed.error))
      return terminal
    },
    stop: () => core.stop(),
  }
}
