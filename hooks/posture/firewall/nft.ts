import { boundedLines } from '../read/lines.ts'
import type { Action, BaseChain, Chain, Family, Rule } from './chains.ts'

const limits = { maxLines: 50_000, maxChars: 8_192 }
const familiesOf: Record<string, Family[]> = { inet: ['ipv4', 'ipv6'], ip: ['ipv4'], ip6: ['ipv6'] }
const everywhere = /^(?:0\.0\.0\.0\/0|::\/0)$/

/** `ip saddr 10.0.0.0/8` narrows; `!= X` and `/0` let everybody else in. */
const narrows = (line: string, word: string): boolean => {
  const [, value] = new RegExp(`\\bip6? ${word} ((?:\\{[^}]{0,4000}\\})|\\S{1,200})`).exec(line) ?? []
  return value !== undefined && value !== '!=' && !everywhere.test(value)
}
const actionOf = (line: string): { action: Action; to: string | null } => {
  const [, jump, to] = /\b(jump|goto) (\S{1,200})/.exec(line) ?? []
  if (jump !== undefined) return { action: jump === 'goto' ? 'goto' : 'jump', to: to! }
  if (/\breturn\b/.test(line)) return { action: 'return', to: null }
  if (/\baccept\b/.test(line)) return { action: 'accept', to: null }
  return { action: /\b(?:drop|reject)\b/.test(line) ? 'drop' : 'other', to: null }
}

const readRule = (written: string): Rule => {
  const line = written.replace(/\bcomment "[^"]{0,1000}"/, '').replace(/\blog prefix "[^"]{0,1000}"/, '')
  const [, states = ''] = /\bct state ((?:\{[^}]{0,200}\})|\S{1,200})/.exec(line) ?? []
  const [, interfaces = ''] = /\b[io]if(?:name)? ("?[\w.@-]{1,32}"?)/.exec(line) ?? []
  const [, ports] = /\b(?:tcp|th) dport ((?:\{[^}]{0,4000}\})|\S{1,200})/.exec(line) ?? []
  return {
    ...actionOf(line),
    narrowsSource: narrows(line, 'saddr'),
    narrowsDestination: narrows(line, 'daddr') || /\bskuid\b|\bskgid\b/.test(line),
    isEstablishedOnly: states !== '' && !/\bnew\b|!=/.test(states),
    isLoopbackOnly: /^"?lo"?$/.test(interfaces),
    isOtherProtocol: /\b(?:udp|sctp|icmp|icmpv6|igmp)\b/.test(line) && !/\btcp\b/.test(line),
    ports: ports ?? null,
  }
}

type Table = { families: Family[]; chains: Map<string, Chain> }

const opens = /^(table|chain) (?:(ip6?|inet|arp|bridge|netdev) )?(\S{1,200}) \{$/
const hook = /^type \S{1,20} hook (input|output)\b/
const policy = /\bpolicy (accept|drop);/

/** `nft list ruleset`: the chains of filter hooks, each with those of its table. */
export const readNft = (text: string): BaseChain[] => {
  const tables: Table[] = []
  let chain: Chain | null = null
  for (const raw of boundedLines(text, limits)) {
    const line = raw.trim()
    const [, what, family, name] = opens.exec(line) ?? []
    if (what === 'table') tables.push({ families: familiesOf[family ?? 'ip'] ?? [], chains: new Map() })
    else if (what === 'chain') {
      chain = { hook: null, drops: false, rules: [] }
      tables.at(-1)?.chains.set(name!, chain)
    } else if (line === '}') chain = null
    else if (chain && line.startsWith('type ')) {
      const hooked = hook.exec(line)?.[1]
      chain.hook = hooked === 'input' || hooked === 'output' ? hooked : null
      chain.drops = policy.exec(line)?.[1] === 'drop'
    } else if (chain && line !== '') chain.rules.push(readRule(line))
  }
  return tables.flatMap(({ families, chains }) =>
    [...chains.values()].filter((each) => each.hook !== null).map((each) => ({ families, chain: each, chains })),
  )
}
