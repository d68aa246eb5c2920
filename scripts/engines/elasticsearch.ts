import { spawnSync } from 'node:child_process'
import { chmod, chown, copyFile, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { installed, type Say } from './cache.ts'
import { elasticsearch, elasticsearchJava, homeIn } from './elasticsearch/install.ts'
import { type Engine, startEngine } from './engine.ts'
import { answers, type Keep } from './engine-process.ts'
import { freePorts } from './free-ports.ts'

export type ElasticsearchOptions = {
  /** For settings, data and logs; the caller removes it after stop(). Below folders that all may pass, when run as root. */
  folder: string
  /** The default is small and starts fast; it is not meant to be measured. */
  javaOptions?: string[]
  keep?: Keep
  say?: Say
}

export type Elasticsearch = Engine & { url: string }

const small = ['-Xms512m', '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']

const settings = (folder: string, port: number, transportPort: number): string => `discovery.type: single-node
network.host: 127.0.0.1
http.port: ${port}
transport.port: ${transportPort}
path.data: ${join(folder, 'data')}
path.logs: ${join(folder, 'logs')}
xpack.security.enabled: false
cluster.routing.allocation.disk.threshold_enabled: false
`

/** What its own jvm.options says, but for the collector (two make Java refuse to start) and the logs of it. */
const jvmOptions = (javaOptions: string[]): string => `${javaOptions.join('\n')}
-Djava.io.tmpdir=\${ES_TMPDIR}
--add-modules=jdk.incubator.vector
-Dorg.apache.lucene.store.defaultReadAdvice=normal
-Dorg.apache.lucene.store.MMapDirectory.sharedArenaMaxPermits=1
--add-opens=java.base/java.nio=org.apache.arrow.memory.core,ALL-UNNAMED
--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED
-XX:+ExitOnOutOfMemoryError
`

/** Elasticsearch refuses to run as root; nobody is there on every system and needs no account to be made. */
const nobody = { uid: 65534, gid: 65534 }
const unprivileged = (): typeof nobody | undefined => (process.getuid?.() === 0 ? nobody : undefined)

const requireReadable = (path: string, user: typeof nobody): void => {
  if (spawnSync('test', ['-r', path, '-a', '-x', path], { ...user, cwd: '/' }).status === 0) return
  throw new Error(
    `Elasticsearch does not run as root, and the user it runs as instead (uid ${user.uid}) cannot read ${path}.\n` +
      '  Use a folder below folders that everybody may pass, such as /tmp, or run this as another user.',
  )
}

const makeFolders = async (
  folder: string,
  home: string,
  ports: [number, number],
  javaOptions: string[],
): Promise<void> => {
  for (const name of ['config', 'data', 'logs', 'tmp']) await mkdir(join(folder, name), { recursive: true })
  const config = (name: string): string => join(folder, 'config', name)
  await copyFile(join(home, 'config', 'log4j2.properties'), config('log4j2.properties'))
  await writeFile(config('elasticsearch.yml'), settings(folder, ...ports))
  await writeFile(config('jvm.options'), jvmOptions(javaOptions))
}

const handOver = async (folder: string, home: string): Promise<void> => {
  const user = unprivileged()
  if (!user) return
  for (const name of ['config', 'data', 'logs', 'tmp']) await chown(join(folder, name), user.uid, user.gid)
  await chmod(folder, 0o755)
  await chmod(dirname(folder), 0o711) // a temporary folder is closed to all but its owner
  for (const path of [home, join(folder, 'config')]) requireReadable(path, user)
}

/** A JDK and the server, installed if it is not there yet. @throws with what to install when a program is missing */
export const prepareElasticsearch = async (say: Say = () => {}): Promise<{ javaHome: string; home: string }> => {
  const { home: javaHome } = await elasticsearchJava()
  return { javaHome, home: homeIn(await installed(elasticsearch, say)) }
}

/** Starts a real Elasticsearch on free ports of 127.0.0.1 and waits until it is ready. The first time downloads 132 MB. */
export const startElasticsearch = async (options: ElasticsearchOptions): Promise<Elasticsearch> => {
  const { javaHome, home } = await prepareElasticsearch(options.say)
  const folder = join(options.folder, 'elasticsearch')
  const ports = (await freePorts(2)) as [number, number]
  await makeFolders(folder, home, ports, options.javaOptions ?? small)
  await handOver(folder, home)
  const url = `http://127.0.0.1:${ports[0]}`
  const user = unprivileged()
  const engine = await startEngine({
    name: 'Elasticsearch',
    command: 'bash',
    args: [join(home, 'bin', 'elasticsearch')],
    env: { ES_JAVA_HOME: javaHome, ES_PATH_CONF: join(folder, 'config'), ES_TMPDIR: join(folder, 'tmp') },
    logFile: join(folder, 'elasticsearch.log'),
    ...(user ? { user } : {}),
    ...(options.keep ? { keep: options.keep } : {}),
    isReady: () => answers(`${url}/_cluster/health`),
  })
  return { url, ...engine }
}
