import type { BaseChain } from './firewall/chains.ts'
import { readIptables } from './firewall/iptables.ts'
import { readNft } from './firewall/nft.ts'
import type { Look } from './look.ts'
import { compilersAmong, readPendingUpdates, readUnattended } from './read/updates.ts'
import type { RunProgram } from './run-program.ts'
import { type Read, seen, unseen } from './verdict.ts'
import type { Updates } from './view.ts'

const programFolders = ['/usr/bin', '/usr/local/bin', '/usr/lib/go/bin', '/usr/local/go/bin', '/bin']
const aptTimeoutMs = 60_000
const maxConfFiles = 200
/** No cache of apt's is written, and no lock is taken: it only looks. */
const simulated = ['-o', 'Dir::Cache::pkgcache=', '-o', 'Dir::Cache::srcpkgcache=', '-o', 'Debug::NoLocking=1']

export const collectCompilers = async (look: Look): Promise<Read<string[]>> => {
  const found: string[] = []
  for (const folder of programFolders) {
    const names = await look.names(folder)
    if (names.ok) found.push(...compilersAmong(names.value))
    else if (!names.reason.endsWith('is not there')) return names
  }
  return seen([...new Set(found)].sort())
}

export const collectFirewall = async (run: RunProgram): Promise<Read<BaseChain[]>> => {
  const [nft, ipv4, ipv6] = await Promise.all([
    run('nft', ['list', 'ruleset']),
    run('iptables-save', []),
    run('ip6tables-save', []),
  ])
  if (!nft.ok && !ipv4.ok) return unseen(`${nft.reason}, ${ipv4.reason}`)
  return seen([
    ...(nft.ok ? readNft(nft.value) : []),
    ...(ipv4.ok ? readIptables(ipv4.value, 'ipv4') : []),
    ...(ipv6.ok ? readIptables(ipv6.value, 'ipv6') : []),
  ])
}

/** Files of apt.conf.d are read in the order of their names; the last word counts. */
const installsItself = async (look: Look): Promise<boolean> => {
  const folder = '/etc/apt/apt.conf.d'
  const names = await look.names(folder)
  let last = false
  for (const name of names.ok ? names.value.slice(0, maxConfFiles) : []) {
    const read = await look.text(`${folder}/${name}`)
    if (read.ok) last = readUnattended(read.value.text) ?? last
  }
  return last
}

/** apt's lists of security updates say when they were last changed at the mirror. */
const listsAtMs = async (look: Look): Promise<number | null> => {
  const folder = '/var/lib/apt/lists'
  const names = await look.names(folder)
  const security = names.ok ? names.value.filter((name) => /security.{0,200}InRelease$/i.test(name)).slice(0, 20) : []
  const times = await Promise.all(security.map((name) => look.changedAtMs(`${folder}/${name}`)))
  const known = times.filter((time) => time !== null)
  return known.length === 0 ? null : Math.max(...known)
}

export const collectUpdates = async (look: Look, run: RunProgram): Promise<Read<Updates>> => {
  const upgrade = await run('apt-get', ['--simulate', ...simulated, 'dist-upgrade'], aptTimeoutMs)
  if (!upgrade.ok) return upgrade
  return seen({
    pending: readPendingUpdates(upgrade.value),
    listsAtMs: await listsAtMs(look),
    unattended: await installsItself(look),
  })
}
