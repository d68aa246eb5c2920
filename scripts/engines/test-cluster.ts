/** `npm run test:cluster -- [files or options of AVA]`: tests that need the real engines, on engines of this run's own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { clusterTests } from './cluster-tests.ts'
import { engineNames, startEngines } from './engines.ts'
import { servicesFile, writeServices } from './run-state.ts'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const say = (line: string): void => void process.stderr.write(`${line}\n`)

const stopped = new AbortController()
let signalled: 'SIGINT' | 'SIGTERM' | null = null
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    signalled = signal
    stopped.abort()
  })

/** @returns its exit code */
const runChild = async (folder: string, command: string[]): Promise<number> => {
  const { BARTIZAN_REQUIRE_REAL: _, ...env } = process.env
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', '--', ...command], {
    cwd: root,
    env: { ...env, TEST_SERVICES: servicesFile(folder) },
    stdio: 'inherit',
  })
  stopped.signal.addEventListener('abort', () => child.kill(signalled ?? 'SIGTERM'))
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}

/** The tests that need engines; then, unless files are named, the product's own flows on engines (`test:flows`). */
const runTests = async (folder: string, args: string[]): Promise<number> => {
  const named = args.some((arg) => !arg.startsWith('-') && (arg.includes('/') || arg.endsWith('.ts')))
  const ava = [process.execPath, join(root, 'node_modules', 'ava', 'entrypoints', 'cli.js'), ...args]
  if (named) return runChild(folder, ava)
  const code = await runChild(folder, [...ava, ...clusterTests(root)])
  if (signalled) return code
  const flows = await runChild(folder, ['npm', 'run', '--silent', 'test:flows', '--', ...args])
  return code || flows
}

/** The engines die with this process, however it ends: nothing has to remember them. */
const run = async (args: string[]): Promise<number> => {
  const folder = await mkdtemp(join(tmpdir(), 'bartizan-engines-'))
  try {
    const engines = await startEngines(engineNames, { folder, say })
    try {
      writeServices(folder, engines.services)
      return signalled ? 1 : await runTests(folder, args)
    } finally {
      await engines.stop()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

try {
  const code = await run(process.argv.slice(2))
  process.exit(signalled ? 128 + constants.signals[signalled] : code)
} catch (error) {
  say(`test:cluster: ${(error as Error).message}`)
  process.exit(1)
}
