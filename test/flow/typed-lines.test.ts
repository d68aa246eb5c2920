import test from 'ava'
import { bastionPrograms, startBastion } from '#test/helpers/bastion.ts'
import { realTest } from '#test/helpers/real.ts'
import { startProduct } from '#test/helpers/running.ts'
import type { Kind } from '#test/helpers/typist/home.ts'
import { judge } from '#test/helpers/typist/judge.ts'
import { planOf } from '#test/helpers/typist/plan.ts'
import { foundOf } from '#test/helpers/typist/recording.ts'
import { typeSession } from '#test/helpers/typist/type-sessions.ts'

const kinds: Kind[] = ['bash', 'zsh', 'python']
const [seed, acts] = [9, 10] // `npm run bench -- typed` types hundreds of lines of each

realTest(
  test,
  [...bastionPrograms, 'zsh', 'python3', 'vim', 'less', 'git'],
  'what is typed over ssh into bash, zsh and Python is listed line by line with what it executed, secrets are not',
  async (t) => {
    const product = await startProduct(t)
    const bastion = await startBastion(t, { sudoPort: product.endpoints.sudoPort, users: kinds.length })
    const sessions = await Promise.all(
      kinds.map((kind, at) => typeSession(product, bastion, bastion.users[at]!, planOf(kind, seed, acts))),
    )
    const verdicts = sessions.map(({ recording, commands }) => judge(recording.typed, foundOf(commands)))
    const [typed, found, exact, execs, right] = (['typed', 'found', 'exact', 'execs', 'execsRight'] as const).map(
      (of) => verdicts.reduce((sum, verdict) => sum + verdict[of], 0),
    ) as [number, number, number, number, number]
    const wrong = verdicts.flatMap((verdict) => verdict.wrong).join('\n')
    t.true(typed >= acts * kinds.length && execs > acts, `${typed} lines, ${execs} execs`)
    // So few lines say little of shares: one in ten may be lost where a slow machine mixes up keys with output.
    t.true(exact >= 0.9 * typed && exact >= 0.9 * found && right >= 0.9 * execs, wrong)
    for (const { recording, commands } of sessions) {
      t.true(commands.every(({ source, confidence }) => source !== undefined && confidence !== undefined))
      for (const secret of recording.secrets) t.false(JSON.stringify(commands).includes(secret))
    }
    t.is(await product.stop(), 0)
  },
)
