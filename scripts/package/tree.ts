import { chmod, copyFile, lstat, mkdir, readdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { dirname, join } from 'node:path'
import { agentCommands, neededFiles } from './needed-files.ts'

export const app = 'opt/bartizan/app'
const units = 'usr/lib/systemd/system'
const programs = new Set(['bartizan', 'hooks/sudo/setup/bartizan-session', 'hooks/sudo/setup/undo'])

/** 4 and 2 MB less at rest; the first for 0.3 s of processor more per 100 MB of output (bench/README.md, "Agent package"). */
const smaller = '--optimize-for-size --no-sparkplug'
/** A user's `bartizan record` finds the agent without being told where. */
const ownConfig = `export BARTIZAN_CONFIG="\${BARTIZAN_CONFIG-/etc/bartizan/agent.yaml}"\n`

const put = async (file: string, text: string, mode: number): Promise<void> => {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
  await chmod(file, mode)
}

/**
 * Ours as JavaScript, lines and columns as they were: stripping types at run time takes Node 30 MB of memory and a second
 * of processor time per start.
 */
const asJavaScript = (source: string): string =>
  stripTypeScriptTypes(source).replaceAll(/(['"])((?:\.{1,2}|#[a-z]+)\/[^'"\n]{1,200})\.ts\1/g, '$1$2.js$1')

const copy = async (from: string, to: string, mode: number): Promise<void> => {
  await mkdir(dirname(to), { recursive: true })
  await copyFile(from, to)
  await chmod(to, mode)
}

/** `node_modules/x`, `node_modules/@x/y`, nested ones too. */
const packageOf = (file: string): string | null => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? null

/** What Node reads to find a module, and what its author asks to be passed on. */
const papersOf = async (root: string, folder: string): Promise<string[]> => {
  const names = await readdir(join(root, folder))
  return names
    .filter((name) => /^(package\.json|(un)?licen[cs]e.*|copying.*|notice.*)$/i.test(name))
    .map((name) => join(folder, name))
}

/** The part of package.json that the running agent reads. */
const ownPackage = async (root: string, version: string): Promise<string> => {
  const { name, license, type, imports, dependencies } = JSON.parse(
    await readFile(join(root, 'package.json'), 'utf8'),
  ) as Record<string, Record<string, string>>
  return `${JSON.stringify({ name, version, license, type, imports, dependencies: { node: dependencies!.node } }, null, 2)}\n`
}

const putApp = async (root: string, tree: string, version: string): Promise<void> => {
  const at = (path: string) => join(tree, app, path)
  const files = await neededFiles(root)
  const packages = new Set(files.map(packageOf).filter((folder) => folder !== null))
  packages.add('node_modules/node')
  const papers = (await Promise.all([...packages].map((folder) => papersOf(root, folder)))).flat()
  for (const file of new Set([...files, ...papers])) {
    if (file.endsWith('.ts')) continue
    if ((await lstat(join(root, file))).isFile())
      await copy(join(root, file), at(file), programs.has(file) ? 0o755 : 0o644)
  }
  for (const file of files.filter((each) => each.endsWith('.ts'))) {
    const source = await readFile(join(root, file), 'utf8')
    const wanted = file === 'cli/commands.ts' ? agentCommands(source) : source
    await put(at(file.replace(/ts$/, 'js')), asJavaScript(wanted), 0o644)
  }
  const starter = (await readFile(join(root, 'bartizan'), 'utf8')).replace(
    'bin/node" "$here/cli/bartizan.ts"',
    `bin/node" ${smaller} "$here/cli/bartizan.js"`,
  )
  await put(at('bartizan'), starter.replace('set -eu\n', `set -eu\n${ownConfig}`), 0o755)
  await put(at('package.json'), await ownPackage(root, version), 0o644)
  await copy(join(root, 'node_modules/node/bin/node'), at('node_modules/node/bin/node'), 0o755)
  await mkdir(at('node_modules/.bin'), { recursive: true })
  await symlink('../node/bin/node', at('node_modules/.bin/node'))
}

const putUnits = async (root: string, tree: string): Promise<void> => {
  const folder = join(root, 'deploy/agent')
  for (const name of await readdir(folder)) {
    if (/\.(service|socket|timer)$/.test(name)) await copy(join(folder, name), join(tree, units, name), 0o644)
  }
  for (const unit of ['bartizan-agent', 'bartizan-agent-standby'])
    await copy(join(folder, 'rights.conf'), join(tree, units, `${unit}.service.d/rights.conf`), 0o644)
  await copy(join(folder, 'agent.yaml'), join(tree, 'etc/bartizan/agent.yaml'), 0o644)
  await mkdir(join(tree, 'usr/bin'), { recursive: true })
  await symlink(`/${app}/bartizan`, join(tree, 'usr/bin/bartizan'))
  await copy(join(folder, 'copyright'), join(tree, 'usr/share/doc/bartizan-agent/copyright'), 0o644)
}

/** Everything below `folder` at one time and, but for files, with one mode: the same input gives the same package. */
const level = async (folder: string, atSeconds: number): Promise<number> => {
  let bytes = 0
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) bytes += await level(path, atSeconds)
    else if (entry.isFile()) {
      bytes += (await lstat(path)).size
      await utimes(path, atSeconds, atSeconds)
    }
  }
  await chmod(folder, 0o755)
  await utimes(folder, atSeconds, atSeconds)
  return bytes
}

/** Lays out the files of the package under `tree`; returns their size in bytes. */
export const layOut = async (options: {
  root: string
  tree: string
  version: string
  atSeconds: number
}): Promise<number> => {
  const { root, tree, version, atSeconds } = options
  await putApp(root, tree, version)
  await putUnits(root, tree)
  return level(tree, atSeconds)
}
