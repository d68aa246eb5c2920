import { execFileSync } from 'node:child_process'
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { layOut } from './tree.ts'

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')
const scripts = ['postinst', 'prerm', 'postrm'] as const
const architectures: Record<string, string> = { x64: 'amd64', arm64: 'arm64' }

/** Time of all files: SOURCE_DATE_EPOCH (reproducible-builds.org), else of the last change of the sources. */
const sourceSeconds = (): number => {
  const given = process.env.SOURCE_DATE_EPOCH
  if (given !== undefined) return Number(given)
  return Number(execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' }))
}

const controlOf = (version: string, bytes: number): string => `Package: bartizan-agent
Version: ${version}
Architecture: ${architectures[process.arch]}
Maintainer: Bartizan <bartizan@localhost>
Installed-Size: ${Math.ceil(bytes / 1024)}
Depends: libc6 (>= 2.28), libstdc++6, passwd, perl-base, procps, init-system-helpers
Recommends: sudo (>= 1.9.13), openssh-server, systemd
Section: admin
Priority: optional
Description: records the sessions of this bastion host
 The agent of Bartizan: takes what sudo records of ssh sessions, masks typed
 secrets, chains and signs it, keeps it on this host until a receiver has it.
 Brings its own Node.
`

const putControl = async (tree: string, version: string, bytes: number, atSeconds: number): Promise<void> => {
  const folder = join(tree, 'DEBIAN')
  await mkdir(folder)
  await writeFile(join(folder, 'control'), controlOf(version, bytes))
  await writeFile(join(folder, 'conffiles'), '/etc/bartizan/agent.yaml\n')
  for (const name of scripts) {
    await copyFile(join(root, 'scripts/package/debian', name), join(folder, name))
    await chmod(join(folder, name), 0o755)
  }
  for (const name of ['control', 'conffiles', ...scripts]) await utimes(join(folder, name), atSeconds, atSeconds)
  await chmod(folder, 0o755)
  await utimes(folder, atSeconds, atSeconds)
}

/** One thread: how many there are must not change the bytes. */
const pack = (tree: string, file: string, atSeconds: number): void => {
  const how = ['--root-owner-group', '-Zzstd', '-z9', '--threads-max=1', '--build', tree, file]
  execFileSync('dpkg-deb', how, { env: { ...process.env, SOURCE_DATE_EPOCH: String(atSeconds) }, stdio: 'pipe' })
}

const build = async (options: { out: string; packageVersion?: string }): Promise<void> => {
  const { version: own } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  const version = options.packageVersion ?? own
  const atSeconds = sourceSeconds()
  const tree = await mkdtemp(join(tmpdir(), 'bartizan-deb-'))
  try {
    const bytes = await layOut({ root, tree, version, atSeconds })
    await putControl(tree, version, bytes, atSeconds)
    await mkdir(options.out, { recursive: true })
    const file = resolve(options.out, `bartizan-agent_${version}_${architectures[process.arch]}.deb`)
    pack(tree, file, atSeconds)
    const mib = (size: number) => (size / 1024 / 1024).toFixed(1)
    process.stdout.write(`${file}\n${mib((await stat(file)).size)} MiB, installed ${mib(bytes)} MiB\n`)
  } finally {
    await rm(tree, { recursive: true, force: true })
  }
}

await new Command('build-deb')
  .description('Build the package of the agent from this folder and its node_modules; asks nothing of the network.')
  .option('--out <folder>', 'where the package goes', 'dist')
  .option('--package-version <version>', 'another version than that of package.json')
  .action(build)
  .parseAsync()
