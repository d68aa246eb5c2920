import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { z } from 'zod'
import { initEnvironment } from '../../cli/init-env.ts'
import { type Teardown, temporaryFolder } from './temporary-folder.ts'

const run = promisify(execFile)
export const root = fileURLToPath(new URL('../../', import.meta.url))
const checker = fileURLToPath(new URL('../fixtures/compose-check', import.meta.url))

const Mount = z.looseObject({
  type: z.string(),
  source: z.string().optional(),
  target: z.string(),
  read_only: z.boolean().default(false),
})
const Words = z
  .array(z.string())
  .nullish()
  .transform((words) => words ?? [])

/** What these tests look at of a service, as compose-go's own JSON names it. */
export const Service = z.looseObject({
  image: z.string(),
  command: Words,
  entrypoint: Words,
  environment: z.record(z.string(), z.string().nullable()).default({}),
  secrets: z.array(z.looseObject({ source: z.string(), target: z.string() })).default([]),
  volumes: z.array(Mount).default([]),
  tmpfs: Words,
  ports: z
    .array(z.looseObject({ host_ip: z.string().default(''), target: z.int(), published: z.string() }))
    .default([]),
  networks: z.record(z.string(), z.unknown()).default({}),
  depends_on: z.record(z.string(), z.looseObject({ condition: z.string() })).default({}),
  healthcheck: z.looseObject({ test: Words, disable: z.boolean().default(false) }).optional(),
  cap_drop: Words,
  security_opt: Words,
  read_only: z.boolean().default(false),
  mem_limit: z.string().optional(),
  cpus: z.number().optional(),
  pids_limit: z.int().optional(),
})
export type Service = z.infer<typeof Service>

const Project = z.looseObject({
  services: z.record(z.string(), Service),
  networks: z.record(z.string(), z.looseObject({ internal: z.boolean().default(false) })),
  volumes: z.record(z.string(), z.unknown()),
  secrets: z.record(z.string(), z.looseObject({ file: z.string() })),
})
export type Project = z.infer<typeof Project>

const check = async (args: string[]): Promise<string> => {
  const env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    GOTOOLCHAIN: 'local',
    GOFLAGS: '-mod=readonly',
    GOWORK: 'off',
  }
  const options = { cwd: checker, env, maxBuffer: 16 * 1024 * 1024 }
  const { stdout } = await run('go', ['run', '.', ...args], options).catch((error) => {
    throw new Error((error as { stderr?: string }).stderr || (error as Error).message)
  })
  return stdout
}

/** docker-compose.yml as compose-go, the parser of Docker Compose, reads it. @throws with what it does not accept */
export const loadProject = async (envFile: string): Promise<Project> =>
  Project.parse(JSON.parse(await check(['project', join(root, 'docker-compose.yml'), envFile])))

/** The files that .dockerignore lets into the build of the image. */
export const buildContext = async (): Promise<string[]> => (await check(['context', root])).trimEnd().split('\n')

/** With secrets of the test's own. */
export const composeProject = async (t: Teardown): Promise<{ project: Project; folder: string; secrets: string }> => {
  const folder = await temporaryFolder(t)
  const { file, folder: secrets } = await initEnvironment(join(folder, '.env'))
  return { project: await loadProject(file), folder, secrets }
}
