import type { SudoClient } from '#test/helpers/sudo-client.ts'

/** A shell as a terminal shows it: typed by a person, answered by programs. */
export type Step = { line: string; argv?: string[]; output: string; pauseMs: number }

const ns = (ms: number): bigint => BigInt(Math.round(ms * 1e6))
const keyMs = 90

const asExec = (user: string, argv: string[]) => ({
  command: `/usr/bin/${argv[0]}`,
  runargv: argv,
  submituser: user,
  runuser: user,
  submithost: 'demo-bastion',
})

export const typeShell = async (
  client: SudoClient,
  user: string,
  prompt: string,
  steps: readonly Step[],
): Promise<void> => {
  client.io('ttyoutBuf', prompt, ns(400))
  for (const { line, argv, output, pauseMs } of steps) {
    let delayMs = pauseMs
    for (const key of line) {
      client.io('ttyinBuf', key, ns(delayMs))
      client.io('ttyoutBuf', key, ns(2))
      delayMs = keyMs
    }
    client.io('ttyinBuf', '\r', ns(keyMs))
    client.io('ttyoutBuf', '\r\n', ns(2))
    if (argv) client.accept(asExec(user, argv), { expectIobufs: false })
    client.io('ttyoutBuf', `${output.replaceAll('\n', '\r\n')}${prompt}`, ns(120))
    await client.flushed()
  }
}

const everyday: Step[] = [
  { line: 'ls', argv: ['ls'], output: 'config  docs  logs  releases\n', pauseMs: 2_000 },
  {
    line: 'git log --oneline | head -3',
    argv: ['git', 'log', '--oneline'],
    output: '4f1c2aa Raise the pool size\n91b7d03 Log the queue length\n0c55e1b Release 2.14\n',
    pauseMs: 6_000,
  },
  {
    line: 'tail -3 logs/app.log',
    argv: ['tail', '-3', 'logs/app.log'],
    output: 'job 8812 done in 120 ms\njob 8813 done in 98 ms\njob 8814 retried: timeout\n',
    pauseMs: 9_000,
  },
  {
    line: 'df -h /',
    argv: ['df', '-h', '/'],
    output: 'Filesystem  Size  Used Avail Use% Mounted on\n/dev/vda1    80G   31G   46G  41% /\n',
    pauseMs: 4_000,
  },
  {
    line: 'cat docs/runbook.md',
    argv: ['cat', 'docs/runbook.md'],
    output: '# When the queue is stuck\n1. look at the log\n2. restart the worker\n',
    pauseMs: 12_000,
  },
  {
    line: 'psql -c "select count(*) from jobs"',
    argv: ['psql', '-c', 'select count(*) from jobs'],
    output: ' count\n-------\n  4711\n(1 row)\n\n',
    pauseMs: 7_000,
  },
  {
    line: 'uptime',
    argv: ['uptime'],
    output: ' up 61 days,  2 users,  load average: 0.21, 0.18, 0.15\n',
    pauseMs: 3_000,
  },
]
const restart: Step = {
  line: 'sudo systemctl restart worker',
  argv: ['sudo', 'systemctl', 'restart', 'worker'],
  output: '',
  pauseMs: 8_000,
}

export const ordinarySteps = (n: number, isAdmin: boolean): Step[] => {
  const steps = Array.from({ length: 2 + (n % 4) }, (_, i) => everyday[(n * 3 + i * 2) % everyday.length]!)
  return isAdmin && n % 2 === 0 ? [...steps, restart] : steps
}
export const becomeRoot: Step[] = [
  everyday[0]!,
  { line: 'sudo -i', argv: ['sudo', '-i'], output: '', pauseMs: 5_000 },
  {
    line: 'tee -a /etc/sudoers.d/joe',
    argv: ['sudo', 'tee', '-a', '/etc/sudoers.d/joe'],
    output: 'joe ALL=(ALL) NOPASSWD: ALL\n',
    pauseMs: 6_000,
  },
]
