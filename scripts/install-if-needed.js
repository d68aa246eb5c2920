// Plain JavaScript on purpose: this runs on the machine's own Node (20 or later), before Node 24 is installed.
// Installs the packages and builds the console when they are missing or older than their sources.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const at = (...parts) => join(root, ...parts)
const downloadMb = 200
const installedMb = 540

const digest = (files) => {
  const hash = createHash('sha256')
  for (const file of files) hash.update(file.slice(root.length)).update(readFileSync(file))
  return hash.digest('hex')
}
const filesBelow = (folder) =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((file) => !file.startsWith(at('viewer', 'web', 'dist')))
    .sort()

const upToDate = (stamp, wanted) => existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted

const firstLines = (text) =>
  text
    .split('\n')
    .filter((line) => line.trim())
    .slice(0, 12)
    .join('\n')

/** Runs a program to its end; its output is shown only when it fails. */
const run = (program, args, onTick = () => {}) =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    const output = []
    child.stdout.on('data', (data) => output.push(data))
    child.stderr.on('data', (data) => output.push(data))
    const timer = setInterval(onTick, 3000)
    child.on('error', reject)
    child.on('close', (code) => {
      clearInterval(timer)
      if (code === 0) return resolve()
      reject(
        new Error(
          `${program} ${args.join(' ')} ended with ${code}:\n${firstLines(Buffer.concat(output).toString('utf8'))}`,
        ),
      )
    })
  })

const countPackages = () => {
  if (!existsSync(at('node_modules'))) return 0
  const names = readdirSync(at('node_modules')).flatMap((name) =>
    name.startsWith('@') ? readdirSync(at('node_modules', name)).map((one) => join(name, one)) : [name],
  )
  // npm makes all their folders at once, and fills them as they come.
  return names.filter((name) => existsSync(at('node_modules', name, 'package.json'))).length
}

const installPackages = async () => {
  const stamp = at('node_modules', '.bartizan-installed')
  const wanted = digest([at('package-lock.json')])
  if (upToDate(stamp, wanted) && existsSync(at('node_modules', '.bin', 'node'))) return
  const locked = Object.values(JSON.parse(readFileSync(at('package-lock.json'), 'utf8')).packages)
  const total = locked.filter((entry) => !entry.optional).length - 1
  console.log(
    `Installing about ${total} packages: a download of about ${downloadMb} MB, ${installedMb} MB on disk (Node 24 is part of it).`,
  )
  const started = Date.now()
  await run('npm', ['ci', '--loglevel=error', '--no-audit', '--no-fund'], () => {
    console.log(
      `  ${Math.round((Date.now() - started) / 1000)} s: ${countPackages()} of about ${total} packages unpacked`,
    )
  })
  writeFileSync(stamp, wanted)
  console.log(`Installed in ${Math.round((Date.now() - started) / 1000)} s.`)
}

const buildConsole = async () => {
  const web = at('viewer', 'web')
  if (!existsSync(join(web, 'vite.config.ts'))) return
  const stamp = join(web, 'dist', '.built')
  const wanted = digest([...filesBelow(web), at('package-lock.json')])
  if (upToDate(stamp, wanted)) return
  console.log('Building the console (a few seconds) …')
  await run(at('node_modules', '.bin', 'node'), [
    at('node_modules', 'vite', 'bin', 'vite.js'),
    'build',
    '--config',
    join(web, 'vite.config.ts'),
    '--logLevel',
    'warn',
  ])
  writeFileSync(stamp, wanted)
}

try {
  await installPackages()
  await buildConsole()
} catch (error) {
  console.error(`Bartizan could not be installed. ${error.message}`)
  console.error(
    'What helps most often: a working connection to the npm registry, room on the disk, then the same command again.',
  )
  process.exit(1)
}
