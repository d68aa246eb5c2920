import { createHash, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Say } from './cache.ts'
import type { EngineName } from './engines.ts'
import { freePorts } from './free-ports.ts'
import { run } from './programs.ts'
import { type RunState, writeState } from './run-state.ts'
import { bucket, createBucket } from './versitygw.ts'

// The product's own docker-compose.yml does not serve here: it publishes no port of an engine, on purpose.
const composeFile = fileURLToPath(new URL('docker/compose.yml', import.meta.url))
/** Where no docker-compose.yml lies that would be taken for the project's. */
const elsewhere = '/'
const serviceOf = { kafka: 'kafka', s3: 'versitygw', elasticsearch: 'elasticsearch' } as const

/** Whether there is a Docker engine, and Compose for it. */
export const dockerAnswers = async (): Promise<boolean> => {
  try {
    await run('docker', ['info'])
    await run('docker', ['compose', 'version'])
    return true
  } catch {
    return false
  }
}

/** For whoever makes users: runs versitygw inside its container, where its ports have the same numbers. */
const writeAdminCommand = async (folder: string, project: string): Promise<string> => {
  const file = join(folder, 'versitygw-admin')
  const variables = ['ADMIN_ACCESS_KEY', 'ADMIN_SECRET_KEY', 'ADMIN_ENDPOINT_URL'].flatMap((name) => ['-e', name])
  const command = ['docker', 'compose', '-p', project, 'exec', '-T', ...variables, 'versitygw', 'versitygw']
  await writeFile(file, `#!/bin/sh\ncd ${elsewhere}\nexec ${command.map((word) => `'${word}'`).join(' ')} "$@"\n`, {
    mode: 0o700,
  })
  return file
}

/** The same engines by Docker Compose. Ports and the secret are new with every start from nothing. */
export const composeUp = async (
  folder: string,
  state: RunState,
  names: readonly EngineName[],
  say: Say,
): Promise<RunState['services']> => {
  const project = `bartizan-engines-${createHash('sha256').update(folder).digest('hex').slice(0, 8)}`
  const [kafka, s3, s3Admin, elasticsearch] = (await freePorts(4)) as [number, number, number, number]
  const secretAccessKey = randomBytes(20).toString('hex')
  const env = {
    KAFKA_PORT: `${kafka}`,
    S3_PORT: `${s3}`,
    S3_ADMIN_PORT: `${s3Admin}`,
    S3_SECRET: secretAccessKey,
    ELASTICSEARCH_PORT: `${elasticsearch}`,
  }
  state.dockerProject = project
  writeState(folder, state)
  say(`docker compose starts ${names.join(', ')}`)
  const services = names.map((name) => serviceOf[name])
  await run('docker', ['compose', '-p', project, '-f', composeFile, 'up', '-d', '--wait', ...services], { env })
  const gateway = {
    endpoint: `http://127.0.0.1:${s3}`,
    adminEndpoint: `http://127.0.0.1:${s3Admin}`,
    adminCommand: await writeAdminCommand(folder, project),
    accessKeyId: 'rootkey00',
    secretAccessKey,
    bucket,
  }
  if (names.includes('s3')) await createBucket(gateway)
  return {
    ...(names.includes('kafka') ? { kafka: { brokers: [`127.0.0.1:${kafka}`] } } : {}),
    ...(names.includes('s3') ? { s3: gateway } : {}),
    ...(names.includes('elasticsearch') ? { elasticsearch: { url: `http://127.0.0.1:${elasticsearch}` } } : {}),
  }
}

/** With its volumes. */
export const composeDown = (project: string): Promise<void> =>
  run('docker', ['compose', '-p', project, 'down', '--volumes', '--timeout', '30'], { cwd: elsewhere })
