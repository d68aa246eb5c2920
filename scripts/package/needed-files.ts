import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { rolldown } from 'rolldown'

/** Commands of the servers: a bastion has no use for them, and none for what they bring along. */
const serverCommands = [
  ...['up', 'receiver', 'ingest', 'detectors', 'delivery', 'viewer', 'login', 'import', 'token'],
  ...['backtest', 'setup', 'sinks', 'dead-letters', 'relay'],
]
/** Imported when they are asked for, by servers only. */
const serverModules = /\/(roles|up)\.ts$|\/(elastic|s3)-[^/]+\.ts$|^@(aws-sdk|elastic)\//

/**
 * cli/commands.ts without the servers' commands, one entry per line. @throws when a command to leave out is not in it:
 * then the list above has to follow.
 */
export const agentCommands = (source: string): string =>
  serverCommands.reduce((text, name) => {
    const rest = text.replace(new RegExp(`^  '?${name}'?: (?:made|role)\\(.*\\),\\n`, 'm'), '')
    if (rest === text) throw new Error(`cli/commands.ts has no command ${name} on a line of its own`)
    return rest
  }, source)

/** What people and systemd read, and no module names. */
const readByPeople = [
  ...['bartizan', 'LICENSE', 'deploy/agent/run-agent', 'deploy/agent/sudoers-standby'],
  ...['docs/record-a-bastion.md', 'docs/operations/agent-package.md'],
]

const filesAt = async (path: string): Promise<string[]> => {
  const found = await stat(path).catch(() => null)
  if (found === null || path.includes('/node_modules/')) return []
  if (found.isFile()) return [path]
  return (await readdir(path)).map((name) => join(path, name))
}

/** Scripts and rules that a module of ours names as `new URL('./file', import.meta.url)`; ours without package.json. */
const namedBy = async (module: string): Promise<string[]> => {
  const names = [...(await readFile(module, 'utf8')).matchAll(/new URL\('(\.[^'\n]{1,200})', import\.meta\.url\)/g)]
  const files = await Promise.all(names.map(([, name]) => filesAt(join(dirname(module), name!))))
  return files.flat().filter((file) => !/\.ts$|\/package\.json$/.test(file))
}

/** Every file of the repository, packages included, that the agent's command line may load; sorted paths from `root`. */
export const neededFiles = async (root: string): Promise<string[]> => {
  const commandsFile = join(root, 'cli/commands.ts')
  const modules = new Set<string>()
  const bundle = await rolldown({
    input: join(root, 'cli/bartizan.ts'),
    cwd: root,
    platform: 'node',
    resolve: { conditionNames: ['node', 'default'], mainFields: ['main'] }, // as Node itself, not the bundlers' variants
    treeshake: false, // a module of which nothing is used is loaded all the same
    logLevel: 'silent',
    plugins: [
      {
        name: 'needed-files',
        load: async (id) => (id === commandsFile ? agentCommands(await readFile(id, 'utf8')) : null),
        resolveDynamicImport: (specifier) =>
          typeof specifier === 'string' && serverModules.test(specifier) ? { id: specifier, external: true } : null,
        moduleParsed: ({ id }) => void modules.add(id),
      },
    ],
  })
  await bundle.generate({ format: 'esm' })
  await bundle.close()
  const imported = [...modules].filter((id) => id.startsWith(`${root}/`))
  const ours = imported.filter((id) => !id.includes('/node_modules/'))
  const named = (await Promise.all(ours.map(namedBy))).flat()
  const files = [...imported, ...named].map((file) => relative(root, file))
  return [...new Set([...files, ...readByPeople])].sort()
}
