import { type AddressPlan, addressIn } from './address.ts'
import type { Bastion, Host, Service } from './model.ts'
import { type createNames, fingerprintOf, toolClientOf } from './names.ts'
import type { Random } from './random.ts'
import { dayMs } from './zone.ts'

type Setting = {
  names: ReturnType<typeof createNames>
  plan: AddressPlan
  bastions: Bastion[]
  hosts: Host[]
  firstDay: number
  days: number
}

const jobs: [Service['job'], string[], string[]][] = [
  ['backup', ['backup', 'bkp', 'restic', 'borg'], ['db', 'fin', 'git']],
  ['config', ['ansible', 'cfg', 'puppet', 'salt'], ['web', 'app', 'db', 'edge']],
  ['deploy', ['deploy', 'ci', 'runner', 'release'], ['web', 'app']],
  ['monitor', ['monitor', 'probe', 'nagios', 'check'], ['edge', 'web']],
  ['mirror', ['mirror', 'gitsync', 'repo'], ['git']],
  ['logs', ['logpull', 'logship', 'collect'], ['log']],
  ['dump', ['dbdump', 'replica', 'pgcopy'], ['db']],
  ['report', ['report', 'bi', 'etl'], ['dwh']],
  ['inventory', ['inventory', 'cmdb', 'scanreg'], ['web', 'app', 'db', 'fin', 'edge']],
  ['batch', ['batch', 'ledger', 'closing'], ['fin', 'dwh']],
]

export const planServices = (random: Random, { names, plan, bastions, hosts, firstDay, days }: Setting): Service[] => {
  const networks = [plan.privatePrefix(24), plan.privatePrefix(26), plan.publicPrefix(28)]
  return jobs.map(([job, choices, groups]) => {
    const method = 'publickey'
    const client = toolClientOf(random)
    const credential = { method, fingerprint: fingerprintOf(random), mfa: false, client }
    const credentials = [{ from: (firstDay - random.int(40, 300)) * dayMs, credential }]
    if (days > 40 && random.chance(0.4)) {
      const from = (firstDay + random.int(32, days - 3)) * dayMs + random.int(8, 15) * 3_600_000
      credentials.push({ from, credential: { ...credential, fingerprint: fingerprintOf(random) } })
    }
    const network = random.pick(networks)
    return {
      user: names.service(choices),
      job,
      ips: Array.from({ length: job === 'deploy' ? 4 : random.int(1, 2) }, () => addressIn(random, network)),
      bastion: random.pick(bastions).name,
      credentials,
      exempt: job === 'mirror',
      hosts: hosts.filter(({ group }) => groups.includes(group)).map(({ name }) => name),
    }
  })
}
