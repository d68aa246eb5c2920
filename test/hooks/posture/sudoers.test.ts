import { execFileSync } from 'node:child_process'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { sudoIgnoreFlags } from '#hooks/posture/checks/sudo-ignore-flags.ts'
import { collectSudoers } from '#hooks/posture/collect-sudoers.ts'
import { createLook } from '#hooks/posture/look.ts'
import { readSudoers } from '#hooks/posture/read/sudoers.ts'
import { realTest } from '#test/helpers/real.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { viewOf } from './views.ts'

const treeOf = async (t: ExecutionContext, files: Record<string, string>): Promise<string> => {
  const root = await temporaryFolder(t)
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
  return root
}
const judged = async (root: string) => {
  const sudoers = await collectSudoers(await createLook(root), 'jump1')
  return sudoIgnoreFlags.judge(viewOf({ sudoers }))[0]!
}
const debian = 'Defaults env_reset\nroot ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n'
const recipe = async () => {
  const file = fileURLToPath(new URL('../../../hooks/sudo/setup/sudoers', import.meta.url))
  return (await readFile(file, 'utf8')).replaceAll('@GROUP@', 'recorded').replaceAll('@PORT@', '30343')
}

test('the recipe is well, and a file that sorts behind it and lets sudo go on without a record is not', async (t) => {
  const files = { 'etc/sudoers': debian, 'etc/sudoers.d/bartizan': await recipe() }
  const well = await judged(await treeOf(t, files))
  t.is(well.status, 'ok', JSON.stringify(well))
  const bad = { ...files, 'etc/sudoers.d/zz': 'Defaults:%recorded !requiretty, \\\n  ignore_iolog_errors # why not\n' }
  t.deepEqual((await judged(await treeOf(t, bad))).detail.on, [
    '/etc/sudoers.d/zz: Defaults:%recorded ignore_iolog_errors',
  ])
  const taken = { ...bad, 'etc/sudoers.d/zzz': 'Defaults:%recorded !ignore_iolog_errors\n' }
  t.is((await judged(await treeOf(t, taken))).status, 'ok')
  const skipped = {
    ...files,
    'etc/sudoers.d/zz.bak': 'Defaults ignore_iolog_errors',
    'etc/sudoers.d/z~': 'Defaults ignore_iolog_errors',
  }
  t.is((await judged(await treeOf(t, skipped))).status, 'ok')
})

test('flags that are on by default count where sudo records', async (t) => {
  const root = await treeOf(t, { 'etc/sudoers': 'Defaults:alice log_output, !ignore_audit_errors\n' })
  const { status, detail } = await judged(root)
  t.is(status, 'warn')
  t.deepEqual(detail.onByDefault, ['Defaults:alice ignore_logfile_errors'])
})

test('includes are followed with %h, relative names, links and loops', async (t) => {
  const root = await treeOf(t, {
    'etc/sudoers': '#include sudoers.%h\n@include "/etc/with blank"\n',
    'etc/sudoers.jump1': 'Defaults log_output, !ignore_audit_errors, !ignore_logfile_errors\n',
    'etc/real': 'Defaults@HOSTS ignore_logfile_errors\n',
  })
  await symlink('/etc/real', join(root, 'etc/with blank'))
  t.deepEqual((await judged(root)).detail.on, ['/etc/with blank: Defaults@HOSTS ignore_logfile_errors'])
  await writeFile(join(root, 'etc/real'), '@include /etc/sudoers\n')
  t.regex(String((await judged(root)).detail.notChecked), /includes too much/)
  await writeFile(join(root, 'etc/real'), '@include /etc/not-there\n')
  t.regex(String((await judged(root)).detail.notChecked), /not-there is not there/)
})

const samples = [
  'Defaults ignore_iolog_errors',
  'Defaults!/bin/ls log_output, !!ignore_iolog_errors',
  'Defaults>root,alice !log_output',
  'Defaults secure_path="/a:/b,c#d", ignore_logfile_errors',
  'Defaults:alice log_servers=127.0.0.1:30343, log_output # ,ignore_iolog_errors',
]
realTest(test, ['cvtsudoers'], 'Defaults are read as visudo and cvtsudoers read them', async (t) => {
  const folder = await temporaryFolder(t)
  for (const [index, text] of samples.entries()) {
    const file = join(folder, `s${index}`)
    await writeFile(file, `${text}\n`)
    const json = JSON.parse(execFileSync('cvtsudoers', ['-f', 'json', file], { encoding: 'utf8' })) as {
      Defaults: { Options: Record<string, unknown>[] }[]
    }
    const theirs = json.Defaults.flatMap(({ Options }) => Options.flatMap((option) => Object.keys(option)))
    const ours = readSudoers(text).defaults.map(({ name }) => name)
    t.deepEqual([...ours].sort(), theirs.filter((name) => name !== 'operation' && name !== 'list').sort(), text)
  }
})
