import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, readFile, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { z } from 'zod'
import { buildContext, root } from '#test/helpers/compose-project.ts'
import { realTest } from '#test/helpers/real.ts'
import { endpointsOf, killIfAlive } from '#test/helpers/running.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

const run = promisify(execFile)

type Copy = { stage: string; from: string | null; sources: string[]; target: string }
type Step = { stage: string; command: string }

/** The two kinds of lines that these tests follow, each with the stage it belongs to. */
const readDockerfile = async (): Promise<{ copies: Copy[]; runs: Step[]; bases: string[]; entrypoint: string }> => {
  const lines = (await readFile(join(root, 'Dockerfile'), 'utf8')).split('\n')
  const [copies, runs, bases]: [Copy[], Step[], string[]] = [[], [], []]
  let [stage, entrypoint] = ['', '']
  for (const line of lines) {
    const [instruction, ...words] = line.split(/\s+/)
    if (instruction === 'FROM') {
      bases.push(words[0]!)
      stage = words[2] ?? 'final'
    }
    if (instruction === 'ENTRYPOINT') entrypoint = words.join(' ')
    if (instruction === 'RUN') runs.push({ stage, command: words.join(' ') })
    if (instruction !== 'COPY') continue
    const from = words[0]!.startsWith('--from=') ? words.shift()!.slice('--from='.length) : null
    copies.push({ stage, from, sources: words.slice(0, -1), target: words.at(-1)! })
  }
  return { copies, runs, bases, entrypoint }
}

const isBelow = (file: string, source: string): boolean => file === source || file.startsWith(`${source}/`)

/** What the stage's COPY lines bring from the build's context, as the image would have it. */
const copyStage = async (stages: string[], folder: string): Promise<void> => {
  const [{ copies }, context] = await Promise.all([readDockerfile(), buildContext()])
  const sources = copies
    .filter(({ stage, from }) => stages.includes(stage) && from === null)
    .flatMap((copy) => copy.sources)
  for (const file of context.filter((each) => sources.some((source) => isBelow(each, source)))) {
    await mkdir(dirname(join(folder, file)), { recursive: true })
    await copyFile(join(root, file), join(folder, file))
  }
}

realTest(
  test,
  ['go'],
  'everything that the Dockerfile copies is there, and .dockerignore lets it in and nothing private',
  async (t) => {
    const [{ copies }, context] = await Promise.all([readDockerfile(), buildContext()])
    for (const { from, sources } of copies) {
      for (const source of sources) {
        if (from === null)
          t.true(existsSync(join(root, source)) && context.some((file) => isBelow(file, source)), source)
      }
    }
    const hidden = context.filter((file) =>
      /(^|\/)(node_modules|secrets|data|dist|\.git)\/|(^|\/)\.env|\.log$/.test(file),
    )
    t.deepEqual(hidden, [])
  },
)

test('the image is of the Node that the package brings, and its user is not root', async (t) => {
  const Package = z.looseObject({ dependencies: z.looseObject({ node: z.string() }) })
  const { dependencies } = Package.parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')))
  const { bases } = await readDockerfile()
  const own = bases.filter((base) => base.includes(':'))
  t.true(own.length > 0)
  for (const base of own) t.is(base, `node:${dependencies.node}-bookworm-slim`)
  t.regex(await readFile(join(root, 'Dockerfile'), 'utf8'), /^USER node\n(?!.*^USER)/ms)
})

test('the image has openssl, with which the receiver issues certificates', async (t) => {
  const { runs } = await readDockerfile()
  t.true(runs.some(({ stage, command }) => stage === 'final' && /apt-get install .*\bopenssl\b/.test(command)))
})

const inCi = process.env.BARTIZAN_REQUIRE_REAL === '1' ? test.serial : test.serial.skip

inCi(
  'the console is built from what its stage copies, and the product runs with no more than the image holds',
  async (t) => {
    const { runs, entrypoint } = await readDockerfile()
    const commandOf = (stage: string, pattern: RegExp) =>
      runs.find((step) => step.stage === stage && pattern.test(step.command))!.command
    const [built, app] = [await temporaryFolder(t), await temporaryFolder(t)]
    await copyStage(['packages', 'console'], built)
    await symlink(join(root, 'node_modules'), join(built, 'node_modules')) // what its `npm ci` installs
    await run('sh', ['-c', commandOf('console', /build/)], { cwd: built })

    await copyStage(['packages', 'final'], app)
    await run('sh', ['-c', commandOf('packages', /npm ci/)], { cwd: app })
    t.false(existsSync(join(app, 'node_modules', '@biomejs')), 'no packages of development')
    await run('cp', ['-r', join(built, 'viewer/web/dist'), join(app, 'viewer/web/dist')])

    const data = await temporaryFolder(t)
    const [, ...entry] = z.array(z.string()).parse(JSON.parse(entrypoint))
    const child = spawn(process.execPath, [...entry, 'up'], {
      cwd: app,
      env: { PATH: process.env.PATH, BARTIZAN_DATA: data, BARTIZAN_HTTP_PORT: '0', BARTIZAN_SUDO_PORT: '0' },
      stdio: 'ignore',
    })
    const exited = new Promise((resolve) => child.once('close', resolve))
    t.teardown(async () => {
      const running = await endpointsOf(data)
      for (const pid of [child.pid, running?.agentPid]) if (pid) killIfAlive(pid)
    })
    await until(async () => (await endpointsOf(data)) !== null || child.exitCode !== null, { limitMs: 40_000 })
    const endpoints = await endpointsOf(data)
    t.regex(await (await fetch(`http://127.0.0.1:${endpoints?.httpPort}/`)).text(), /<div id="root">/)
    child.kill('SIGTERM')
    t.is(await exited, 0)
  },
)
