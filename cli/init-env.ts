import { existsSync } from 'node:fs'
import { chmod, mkdir, open } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { newClusterId } from '#services/bus/kafka-cluster-id.ts'
import { diskError, systemCode } from '#services/disk-error.ts'
import { writeFileDurably } from '#services/durable-file.ts'
import { BartizanError } from '#services/errors.ts'
import { composeSecrets } from './compose-secrets.ts'

export type Initialised = { file: string; folder: string; secrets: string[] }

const refuse = (path: string): never => {
  throw new BartizanError('BTZ_FILE_EXISTS', `${path} is there already; nothing was changed`, {
    hint: 'name another file with --out. Secrets of engines that were started with it cannot be made again',
  })
}

/** @throws what the system said, in words for a person */
const reword =
  (path: string) =>
  (error: unknown): never => {
    if (systemCode(error) === 'EEXIST') refuse(path)
    if (systemCode(error) !== 'ENOENT') throw diskError(error, path)
    throw new BartizanError('BTZ_DATA_UNWRITABLE', `${dirname(path)} does not exist`, { hint: 'make the folder first' })
  }

/** In single quotes a .env file has no escapes (compose-spec, "Env_File format"). */
const quoted = (path: string): string => {
  if (!/['\p{Cc}]/u.test(path)) return `'${path}'`
  throw new BartizanError('BTZ_CONFIG_INVALID', `${JSON.stringify(path)} cannot be written into a .env file`, {
    hint: 'use a folder without quotes and control characters in its name',
  })
}

const writeNew = async (file: string, content: string): Promise<void> => {
  const handle = await open(file, 'wx', 0o600)
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

// The containers' users have other uids than the owner, and file secrets keep owner and mode: they are readable, and
// the folder, which nobody else may enter, keeps them apart from the host's users.
const writeSecrets = async (folder: string): Promise<string[]> => {
  await mkdir(folder, { mode: 0o700 })
  await chmod(folder, 0o700)
  const secrets = Object.entries(composeSecrets())
  for (const [name, content] of secrets) {
    await writeFileDurably(join(folder, name), content)
    await chmod(join(folder, name), 0o444)
  }
  return secrets.map(([name]) => name)
}

/**
 * Makes what docker-compose.yml needs: a .env file, and beside it a folder of random secrets.
 * @throws BTZ_FILE_EXISTS when either is there: it was made before, and engines may have been started with it;
 * BTZ_CONFIG_INVALID for a path that a .env file cannot hold, BTZ_DATA_UNWRITABLE, BTZ_DISK_FULL
 */
export const initEnvironment = async (out: string): Promise<Initialised> => {
  const file = resolve(out)
  const folder = join(dirname(file), basename(file) === '.env' ? 'secrets' : `${basename(file)}.secrets`)
  for (const path of [file, folder]) if (existsSync(path)) refuse(path)
  const lines = [
    '# Made by `bartizan config --init` for docker-compose.yml. The secrets are the files of this folder.',
    `SECRETS_FOLDER=${quoted(folder)}`,
    `KAFKA_CLUSTER_ID=${newClusterId()}`,
  ]
  const secrets = await writeSecrets(folder).catch(reword(folder))
  await writeNew(file, `${lines.join('\n')}\n`).catch(reword(file))
  return { file, folder, secrets }
}

/** What a person does next. Holds no secret. */
export const nextSteps = ({ file, folder, secrets }: Initialised): string => {
  const compose = basename(file) === '.env' ? 'docker compose' : `docker compose --env-file '${file}'`
  return `Wrote ${file}
and ${secrets.length} secrets in ${folder}, for you alone.

Next:
  1. ${compose} up --build --detach --wait
  2. ${compose} logs viewer     shows the sign-in link of the console
  3. ${compose} exec ingest node cli/bartizan.ts doctor     looks whether all is well

Keep a copy of the secrets where you keep your others. docs/operations/compose.md has the rest.
`
}
