import type { Random } from './random.ts'

const given =
  'anna ben carla dmitri elena farid greta hugo ines jonas karim lena marek nadia oskar petra quentin rosa stefan tomas ulla viktor wanda xenia yusuf zofia aaron bianca cedric daria emil fiona george hanna ivan julia kofi laura milan nora owen paula rafael selma theo uma vera will arjun priya ravi meera wei ling jun mei kenji aiko sofia diego mateo lucia noah grace ethan ruby'.split(
    ' ',
  )
const family =
  'abel bauer costa duarte ehlers ferro gruber hansen ivanov jensen kowalski lange moreau novak oliveira petrov quist rossi silva tanaka ullmann vogel weber xu yilmaz zeman almeida brandt cervantes dubois eriksen fischer garcia huber iqbal janssen kumar lopez martin nguyen okafor patel reyes sato tan underwood verma walsh young zhang chen singh brown clark davis evans foster green hill'.split(
    ' ',
  )

const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1)

/** Login names in one style a seed, never the same twice. */
export const createNames = (random: Random) => {
  const used = new Set<string>(['root', 'admin'])
  const style = random.pick([
    (g: string, f: string) => `${g}.${f}`,
    (g: string, f: string) => `${g.charAt(0)}${f}`,
    (g: string, f: string) => `${f}${g.slice(0, 2)}`,
    (g: string) => g,
    (g: string, f: string) => `${g.slice(0, 3)}${f.slice(0, 3)}`,
  ])
  const person = () => {
    const [g, f] = [random.pick(given), random.pick(family)]
    let user = style(g, f)
    for (let i = 2; used.has(user); i++) user = `${style(g, f)}${i}`
    used.add(user)
    return { user, name: `${capital(g)} ${capital(f)}` }
  }
  const affix = random.pick([
    (n: string) => `svc-${n}`,
    (n: string) => `${n}-bot`,
    (n: string) => `${n}`,
    (n: string) => `s_${n}`,
  ])
  const service = (choices: string[]) => {
    let user = affix(random.pick(choices))
    while (used.has(user)) user += random.int(1, 9)
    used.add(user)
    return user
  }
  return { person, service }
}

const strange =
  'admin test oracle postgres ubuntu user guest ftpuser git pi jenkins hadoop mysql deploy www tomcat nagios support minecraft es elastic dev steam sysadmin operator default vagrant ec2-user centos debian backup zabbix ansible odoo teamspeak docker kafka sonar student weblogic vpn info service web'.split(
    ' ',
  )

/** Names scanners try; none of `real` unless asked. */
export const strangeNames = (random: Random, count: number, real: ReadonlySet<string>) =>
  Array.from({ length: count }, () =>
    random.chance(0.75) ? random.pick(strange) : `${random.pick(given)}${random.int(1, 99)}`,
  ).map((name) => (real.has(name) ? `${name}${random.int(100, 999)}` : name))

const clients = [
  'SSH-2.0-OpenSSH_9.6p1 Ubuntu-3ubuntu13.5',
  'SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3',
  'SSH-2.0-OpenSSH_8.9p1 Ubuntu-3ubuntu0.10',
  'SSH-2.0-OpenSSH_9.7',
  'SSH-2.0-OpenSSH_9.8',
  'SSH-2.0-OpenSSH_9.9',
  'SSH-2.0-OpenSSH_for_Windows_9.5',
  'SSH-2.0-OpenSSH_for_Windows_8.1',
  'SSH-2.0-PuTTY_Release_0.78',
  'SSH-2.0-PuTTY_Release_0.81',
]
const toolClients = [
  'SSH-2.0-paramiko_3.4.0',
  'SSH-2.0-Go',
  'SSH-2.0-libssh2_1.11.0',
  'SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u2',
  'SSH-2.0-OpenSSH_8.7',
]
const attackClients = [
  'SSH-2.0-libssh_0.9.6',
  'SSH-2.0-Go',
  'SSH-2.0-paramiko_2.12.0',
  'SSH-2.0-libssh2_1.10.0',
  'SSH-2.0-OpenSSH_7.4',
  'SSH-2.0-OpenSSH_8.4p1 Debian-5+deb11u3',
  'SSH-2.0-PuTTY_Release_0.74',
]

export const clientOf = (random: Random) => random.pick(clients)
export const toolClientOf = (random: Random) => random.pick(toolClients)
export const attackClientOf = (random: Random) => random.pick(attackClients)
export const fingerprintOf = (random: Random) => `SHA256:${random.base64(43)}`
