import { Command, Option } from 'commander'
import { stringify } from 'yaml'
import { keysFolderOf } from '#services/backends.ts'
import { type Config, settings, withoutSecrets } from '#services/config.ts'
import { BartizanError } from '#services/errors.ts'
import { readLogSigner } from '#services/keys/log-key.ts'
import { formatVerifier, verifierOf } from '#services/proofs/note.ts'
import { initEnvironment, nextSteps } from './init-env.ts'
import { configOf } from './settings.ts'

const valueAt = (config: Config, path: string[]): unknown =>
  path.reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], config)

/** Every setting as YAML that can be used as a file, each with its meaning and its environment name. */
const reference = (config: Config): string => {
  const lines: string[] = []
  let open: string[] = []
  for (const { path, env, description } of settings()) {
    const parents = path.slice(0, -1)
    parents.forEach((name, depth) => {
      if (open[depth] !== name) lines.push(`${'  '.repeat(depth)}${name}:`)
    })
    open = parents
    const indent = '  '.repeat(parents.length)
    const value = valueAt(config, path)
    const line =
      value === undefined
        ? `# ${path.at(-1)}:`
        : stringify({ [path.at(-1)!]: value }, { flowLevel: 0 } as object).trim()
    lines.push(`${indent}# ${description} · ${env}`, ...line.split('\n').map((part) => indent + part))
  }
  return `${lines.join('\n')}\n`
}

/** Public key of the transparency log. */
const logKey = async (config: Config): Promise<string> => {
  const folder = keysFolderOf(config)
  const signer = await readLogSigner(folder)
  if (signer) return formatVerifier(verifierOf(signer))
  throw new BartizanError('BTZ_KEY_NOT_FOUND', `there is no key of the transparency log in ${folder}`, {
    hint: 'the first start makes it',
  })
}

type Options = { json?: boolean; init?: boolean; logKey?: boolean; out: string }

const init = async ({ json, out }: Options): Promise<void> => {
  const made = await initEnvironment(out)
  process.stdout.write(json ? `${JSON.stringify(made)}\n` : nextSteps(made))
}

export const configCommand = (): Command =>
  new Command('config')
    .description('Show the configuration in force, as a file that can be used with --config.')
    .option('--print', 'every setting with its meaning and environment name (the default)')
    .addOption(
      new Option('--init', 'make .env and random secrets for docker-compose.yml; never overwrites').conflicts('print'),
    )
    .addOption(
      new Option('--log-key', 'the public key of the transparency log, for verifiers').conflicts([
        'print',
        'init',
        'json',
      ]),
    )
    .addOption(new Option('--out <file>', 'where --init writes').default('.env'))
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExamples: bartizan config --print\n          bartizan config --init\n          bartizan config --log-key',
    )
    .action(async (options: Options, command: Command) => {
      if (options.init) return init(options)
      const config = withoutSecrets(configOf(command))
      if (options.logKey) return void process.stdout.write(`${await logKey(config)}\n`)
      process.stdout.write(options.json ? `${JSON.stringify(config, null, 2)}\n` : reference(config))
    })
