import type { Command } from '#services/schema/session.ts'
import type { Bastion } from '../bastion.ts'
import type { Account } from '../bastion-accounts.ts'
import { exported, sessionsOf } from '../recorded.ts'
import { type Product, untilSealed } from '../running.ts'
import { until } from '../until.ts'
import { drive } from './drive.ts'
import { prepareHome, remembered } from './home.ts'
import { type Plan, truthOf } from './plan.ts'
import type { Recording } from './recording.ts'

export type Typed = { recording: Recording; commands: Command[]; late: string[] }

const commandsOf = async (product: Product, id: string): Promise<Command[]> => {
  const commands: Command[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query = `limit=500${cursor && `&cursor=${encodeURIComponent(cursor)}`}`
    const page = (await product.api(`/api/sessions/${id}/commands?${query}`)) as {
      items: Command[]
      next: string | null
    }
    commands.push(...page.items)
    cursor = page.next
  }
  return commands
}

/** Types one plan as this user, over ssh, through wrapper, sudo, agent and indexer. */
export const typeSession = async (product: Product, bastion: Bastion, user: Account, plan: Plan): Promise<Typed> => {
  await prepareHome(user, plan.seed)
  const before = new Set((await sessionsOf(product, `user=${user.name}`)).map(({ id }) => id))
  const late = await drive(await bastion.shell(user), plan)
  let id = ''
  await until(
    async () => {
      const fresh = (await sessionsOf(product, `user=${user.name}`)).filter((session) => !before.has(session.id))
      id = fresh.find(({ parentId }) => parentId === null)?.id ?? ''
      return id !== ''
    },
    { limitMs: 30_000, what: 'session' },
  )
  await untilSealed(product, id)
  const typed = truthOf(plan, await remembered(user))
  const { kind, seed, secrets } = plan
  const recording: Recording = { kind, seed, typed, secrets, frames: await exported(product, id) }
  return { recording, commands: await commandsOf(product, id), late }
}
