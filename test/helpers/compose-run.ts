import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { installed } from '../../scripts/engines/cache.ts'
import { prepareElasticsearch } from '../../scripts/engines/elasticsearch.ts'
import { startProcess } from '../../scripts/engines/engine-process.ts'
import { freePorts } from '../../scripts/engines/free-ports.ts'
import { findJava } from '../../scripts/engines/java.ts'
import { kafka as kafkaJars } from '../../scripts/engines/kafka/install.ts'
import type { ProcessIdentity } from '../../scripts/engines/process-identity.ts'
import { prepareVersitygw } from '../../scripts/engines/versitygw.ts'
import { type Project, root, type Service } from './compose-project.ts'

/**
 * What containers are to the compose file, without Docker: its very commands, settings and files, with the addresses and
 * folders of this test in the place of the containers'.
 */
export type Stage = {
  project: Project
  folder: string
  secrets: string
  ports: {
    kafka: number
    controller: number
    elasticsearch: number
    transport: number
    versitygw: number
    role: number
  }
  /** Programs that the images have and this machine has elsewhere. */
  bin: string
}

const nobody = { uid: 65_534, gid: 65_534 }

export const stageOf = async (project: Project, folder: string, secrets: string): Promise<Stage> => {
  const [kafka, controller, elasticsearch, transport, versitygw, role] = (await freePorts(6)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const bin = join(folder, 'bin')
  await mkdir(bin)
  return { project, folder, secrets, bin, ports: { kafka, controller, elasticsearch, transport, versitygw, role } }
}

/** Text of the compose file or of a file that it mounts, with our addresses and folders. */
const here = ({ folder, secrets, bin, ports }: Stage, text: string): string =>
  text
    .replaceAll('/opt/kafka/bin', bin)
    .replaceAll('/etc/bartizan', join(folder, 'kafka'))
    .replaceAll('/etc/delivery', join(root, 'deploy', 'delivery'))
    .replaceAll('/var/lib/kafka/data', join(folder, 'kafka', 'data'))
    .replaceAll('CLIENT://:', 'CLIENT://127.0.0.1:')
    .replaceAll('CLIENT://kafka:', 'CLIENT://127.0.0.1:')
    .replaceAll('/run/secrets', secrets)
    .replaceAll(' /iam', ` ${join(folder, 'iam')}`)
    .replaceAll('/data/', `${join(folder, 's3')}/`)
    .replaceAll('--port :', '--port 127.0.0.1:')
    .replaceAll('/var/lib/bartizan', join(folder, 'bartizan'))
    .replaceAll(/(kafka|elasticsearch|versitygw):(9092|9200|7070)/g, '127.0.0.1:$2')
    .replaceAll(/127\.0\.0\.1([:/])9092/g, `127.0.0.1$1${ports.kafka}`)
    .replaceAll('127.0.0.1:9093', `127.0.0.1:${ports.controller}`)
    .replaceAll('127.0.0.1:9200', `127.0.0.1:${ports.elasticsearch}`)
    .replaceAll('127.0.0.1:7070', `127.0.0.1:${ports.versitygw}`)
    .replaceAll('127.0.0.1:8080', `127.0.0.1:${ports.role}`)

/** The service's command of this process's own environment and what the compose file adds. */
const environmentOf = (stage: Stage, { environment }: Service): NodeJS.ProcessEnv => ({
  PATH: `${stage.bin}:${process.env.PATH}`,
  HOME: process.env.HOME,
  ...Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, here(stage, value ?? '')])),
})

export type Ended = { code: number | null; output: string; errors: string }

export const execute = async (command: string, args: string[], env: NodeJS.ProcessEnv): Promise<Ended> => {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let [output, errors] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output, errors }
}

/** The health check of a service, as Docker runs it: CMD, or CMD-SHELL by sh. */
export const checkHealth = (stage: Stage, name: string): Promise<Ended> => {
  const service = stage.project.services[name]!
  const [kind, ...words] = service.healthcheck!.test.map((word) => here(stage, word))
  const [command, ...args] = kind === 'CMD-SHELL' ? ['sh', '-c', ...words] : words
  return execute(command!, args, environmentOf(stage, service))
}

const launch = async (
  stage: Stage,
  name: string,
  command: string,
  args: string[],
  more: { env?: NodeJS.ProcessEnv; user?: typeof nobody } = {},
): Promise<ProcessIdentity> => {
  const service = stage.project.services[name]!
  return startProcess({
    name,
    command,
    args,
    env: { ...environmentOf(stage, service), ...more.env },
    logFile: join(stage.folder, `${name}.log`),
    ...(more.user ? { user: more.user } : {}),
    isReady: async () => (await checkHealth(stage, name)).code === 0,
  })
}

const script = async (file: string, text: string): Promise<void> => {
  await writeFile(file, `#!/bin/sh\n${text}\n`)
  await chmod(file, 0o755)
}

/** Files that the service mounts below a folder of the container, as we mount them below one of ours. */
const mount = async (stage: Stage, service: Service, from: string, to: string): Promise<void> => {
  const files = [
    ...service.volumes.map(({ source, target }) => ({ source, target })),
    ...service.secrets.map(({ source, target }) => ({ source: stage.project.secrets[source]!.file, target })),
  ]
  for (const { source, target } of files) {
    if (source && target.startsWith(`${from}/`)) await copyFile(source, join(to, basename(target)))
  }
}

/** kafka-storage.sh and kafka-server-start.sh of the image call these two classes (kafka-run-class.sh). */
export const startKafka = async (stage: Stage): Promise<ProcessIdentity> => {
  const service = stage.project.services.kafka!
  const java = join((await findJava('Kafka', 17)).home, 'bin', 'java')
  const jars = await installed(kafkaJars, () => {})
  const run = (options: string, main: string) => `exec '${java}' ${options} -cp '${jars}/*' ${main} "$@"`
  await script(join(stage.bin, 'kafka-storage.sh'), run('-Xmx128m', 'kafka.tools.StorageTool'))
  await script(join(stage.bin, 'kafka-server-start.sh'), run('$KAFKA_HEAP_OPTS -XX:+UseSerialGC', 'kafka.Kafka'))
  const settings = join(stage.folder, 'kafka')
  await mkdir(join(settings, 'data'), { recursive: true })
  await mount(stage, service, '/etc/bartizan', settings)
  const file = join(settings, 'server.properties')
  await writeFile(file, here(stage, await readFile(file, 'utf8')))
  const [command, ...args] = service.command.map((word) => here(stage, word.replaceAll('$$', '$')))
  return launch(stage, 'kafka', command!, args)
}

/** The image's entry point makes a setting of every variable with a dot in its name (docker-entrypoint.sh). */
export const startElasticsearch = async (stage: Stage): Promise<ProcessIdentity> => {
  const service = stage.project.services.elasticsearch!
  const { javaHome, home } = await prepareElasticsearch()
  const folder = join(stage.folder, 'elasticsearch')
  for (const name of ['data', 'logs', 'tmp']) await mkdir(join(folder, name), { recursive: true })
  await execute('cp', ['-r', join(home, 'config'), folder], process.env)
  await writeFile(join(folder, 'config', 'elasticsearch.yml'), '')
  await mount(stage, service, '/usr/share/elasticsearch/config', join(folder, 'config'))
  const user = process.getuid?.() === 0 ? nobody : undefined
  if (user) await execute('chown', ['-R', `${user.uid}:${user.gid}`, folder], process.env)
  await chmod(stage.folder, 0o711)
  const { elasticsearch: port, transport } = stage.ports
  const ours = {
    'http.host': '127.0.0.1',
    'http.port': port,
    'transport.port': transport,
    'path.data': join(folder, 'data'),
    'path.logs': join(folder, 'logs'),
  }
  const theirs = Object.entries(service.environment).filter(([name]) => name.includes('.'))
  const settings = { ...Object.fromEntries(theirs), ...ours }
  const args = Object.entries(settings).map(([name, value]) => `-E${name}=${value}`)
  const env = {
    ES_JAVA_HOME: javaHome,
    ES_PATH_CONF: join(folder, 'config'),
    ES_TMPDIR: join(folder, 'tmp'),
    ES_JAVA_OPTS: '-Xms512m -Xmx512m -XX:TieredStopAtLevel=1',
  }
  return launch(stage, 'elasticsearch', 'bash', [join(home, 'bin', 'elasticsearch'), ...args], {
    env,
    ...(user && { user }),
  })
}

export const startVersitygw = async (stage: Stage): Promise<ProcessIdentity> => {
  const service = stage.project.services.versitygw!
  await script(join(stage.bin, 'versitygw'), `exec '${await prepareVersitygw()}' "$@"`)
  for (const name of ['iam', 's3']) await mkdir(join(stage.folder, name))
  await mount(stage, service, '/iam', join(stage.folder, 'iam'))
  const [command, ...args] = [...service.entrypoint, ...service.command].map((word) =>
    here(stage, word.replaceAll('$$', '$')).replace(':7070', `:${stage.ports.versitygw}`),
  )
  return launch(stage, 'versitygw', command!, args)
}

/** Settings of one of our own services. */
export const roleEnvironment = (stage: Stage, name: string): NodeJS.ProcessEnv => ({
  ...environmentOf(stage, stage.project.services[name]!),
  BARTIZAN_HTTP_HOST: '127.0.0.1',
  BARTIZAN_HTTP_PORT: `${stage.ports.role}`,
  BARTIZAN_DATA: join(stage.folder, `${name}-data`),
})
