import type { ChildProcess } from 'node:child_process'
import { randomInt } from 'node:crypto'
import type { Teardown } from './temporary-folder.ts'
import { type Host, hostIn, ip, removeHosts } from './two-hosts.ts'

export type RelayedHosts = {
  inside: Host
  /** By its address inside. */
  relay: Host
  outside: Host
  /** The cable between relay and outside. */
  link(state: 'up' | 'down'): Promise<unknown>
}

/**
 * Three network namespaces in a row: inside and outside each have a cable to the relay, and no route any further. What is
 * to get from one to the other goes through a program on the relay.
 */
export const relayedHosts = async (t: Teardown, cwd: string): Promise<RelayedHosts> => {
  const tag = `btz${randomInt(36 ** 6).toString(36)}`
  const [near, far] = [
    `10.${randomInt(100, 150)}.${randomInt(1, 250)}`,
    `10.${randomInt(150, 200)}.${randomInt(1, 250)}`,
  ]
  const names = ['i', 'r', 'o'].map((side) => `${tag}${side}`) as [string, string, string]
  const children: ChildProcess[] = []
  t.teardown(() => removeHosts(names, children))
  for (const name of names) await ip('netns', 'add', name)
  const [inside, relay, outside] = names
  const ends: [string, string, string][] = [
    [inside, 'eth0', `${near}.1`],
    [relay, 'eth0', `${near}.2`],
    [relay, 'eth1', `${far}.2`],
    [outside, 'eth0', `${far}.1`],
  ]
  await ip('link', 'add', 'name', 'eth0', 'netns', inside, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', relay)
  await ip('link', 'add', 'name', 'eth1', 'netns', relay, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', outside)
  for (const [name, device, address] of ends) {
    await ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', device)
    for (const each of ['lo', device]) await ip('-n', name, 'link', 'set', each, 'up')
  }
  return {
    inside: hostIn(inside, `${near}.1`, cwd, children),
    relay: hostIn(relay, `${near}.2`, cwd, children),
    outside: hostIn(outside, `${far}.1`, cwd, children),
    link: (state) => ip('-n', relay, 'link', 'set', 'eth1', state),
  }
}
