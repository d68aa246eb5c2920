import { readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { run } from '#test/helpers/bastion-client.ts'
import { onServices } from '#test/helpers/cluster.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const repository = fileURLToPath(new URL('../..', import.meta.url))

/** The commands of the section, in their order. */
const commandsOf = (readme: string, section: string): string[] => {
  const from = readme.indexOf(`\n## ${section}\n`)
  const text = readme.slice(from, readme.indexOf('\n## ', from + 1))
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block!)
}

/** A clone without what was built or downloaded, but for the packages and the console. */
const cleanClone = async (folder: string): Promise<string> => {
  const clone = join(folder, 'bartizan')
  const { code, stderr } = await run('git', ['clone', '-q', repository, clone])
  if (code !== 0) throw new Error(stderr.toString())
  await symlink(join(repository, 'node_modules'), join(clone, 'node_modules'))
  await symlink(join(repository, 'viewer', 'web', 'dist'), join(clone, 'viewer', 'web', 'dist'))
  return clone
}

onServices(test, () => {
  test.serial(
    "README's commands for a cluster, word by word on a clean folder, lead to a recorded session",
    async (t) => {
      t.timeout(10 * 60_000)
      const folder = await temporaryFolder(t)
      const clone = await cleanClone(folder)
      const [engines, roles, agent, end] = commandsOf(
        await readFile(join(repository, 'README.md'), 'utf8'),
        'Scale out',
      )
      const session = `node_modules/.bin/node ${join(repository, 'test/flow/scale-out-session.ts')} "$PWD"\n`
      const script = join(folder, 'script.sh')
      const ownRun = 'mkdir -p /var/cache/bartizan/run && mount -t tmpfs none /var/cache/bartizan/run'
      await writeFile(
        script,
        [`set -eu\nip link set lo up\n${ownRun}\n`, engines, roles, agent, session, end].join('\n'),
      )
      // Network, processes and engines' folder of its own: the page's ports are free there, and nothing outlives it.
      const isolated = ['--net', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child']
      const inClone = [
        'env',
        '-i',
        `PATH=${process.env.PATH}`,
        `HOME=${process.env.HOME}`,
        'sh',
        '-c',
        'cd "$1" && exec bash "$2"',
        'sh',
        clone,
        script,
      ]
      const { stdout, stderr, code } = await run('unshare', [...isolated, ...inClone])
      t.is(code, 0, `${stdout}\n${stderr}`)
      const [, recorded, sent] = /^recorded (\d+) of (\d+)$/m.exec(stdout.toString()) ?? []
      t.truthy(recorded, stdout.toString())
      t.is(recorded, sent)
    },
  )
})
