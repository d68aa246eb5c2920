import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { bastionPrograms } from '#test/helpers/bastion.ts'
import { run } from '#test/helpers/bastion-client.ts'
import { realTest } from '#test/helpers/real.ts'
import { stepsOf } from '#test/helpers/script-steps.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const programs = [...bastionPrograms, 'sudo_logsrvd', 'unshare', 'ip', 'ssh-keygen']

const blocksOf = (page: string): string[] => [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block!)

realTest(
  test,
  programs,
  "the page's commands, word by word, set recording up and undo it (systemd is played by a signal)",
  async (t) => {
    const folder = await temporaryFolder(t)
    const inner = await temporaryFolder(t)
    const blocks = blocksOf(await readFile(join(repository, 'docs/record-a-bastion.md'), 'utf8'))
    t.is(blocks.length, 5)
    const files = await Promise.all(
      blocks.map(async (block, at) => {
        await writeFile(join(folder, `${at}.sh`), block)
        return join(folder, `${at}.sh`)
      }),
    )
    const script = join(repository, 'test/flow/documented-set-up.sh')
    const { stdout, stderr, code } = await run('unshare', [
      ...['--mount', '--net', '--pid', '--fork', '--mount-proc', '--kill-child', 'sh', script, inner, repository],
      ...files,
    ])
    const steps = stepsOf(stdout.toString())
    t.log(stderr.toString())
    t.is(code, 0, stdout.toString())
    const refused = steps['recorded user, log server down']!
    t.regex(refused, /unable to connect to log server.*\n.*\n?.*nothing was run, because it cannot be recorded now/)
    t.regex(steps['checks of the page']!, /^forcecommand \/opt\/bartizan\/bartizan-session$/m)
    t.regex(steps['checks of the page']!, /\(alice\) NOPASSWD: \/bin\/bash$/m)
    t.like(steps, {
      'before step 2': 'not recorded yet\n',
      'recorded user': 'in\ncode 7\n',
      'recorded user, interactively': 'on a terminal\r\n',
      'other account': 'in\n',
      recordings: '2\n',
      'other account, log server down': 'in\n',
      'once recorded user, log server down': 'in\n/bin/bash\n',
      'left behind': '',
    })
  },
)
