export type Family = 'ipv4' | 'ipv6'
export type Action = 'accept' | 'drop' | 'jump' | 'goto' | 'return' | 'other'

/** What a rule matches, as far as it matters here. `ports`: as written, null: any. */
export type Rule = {
  action: Action
  to: string | null
  narrowsSource: boolean
  narrowsDestination: boolean
  isEstablishedOnly: boolean
  isLoopbackOnly: boolean
  isOtherProtocol: boolean // not TCP
  ports: string | null
}
export type Chain = { hook: 'input' | 'output' | null; drops: boolean; rules: Rule[] }
/** A chain that the kernel starts with, and those that it may jump to, by name. */
export type BaseChain = { families: Family[]; chain: Chain; chains: ReadonlyMap<string, Chain> }

type Question = { hook: 'input' | 'output'; port: number | null; isOpen: (rule: Rule) => boolean }

const maxSteps = 20_000
const maxDepth = 16

const hasPort = (ports: string, port: number): boolean =>
  ports.split(/[\s,{}]+/).some((part) => {
    const [, from, to] = /^(\d{1,5})(?:[-:](\d{1,5}))?$/.exec(part) ?? []
    if (from === undefined) return part === 'ssh' ? port === 22 : /^[@$!]/.test(part) // a set of ports may hold any
    return Number(from) <= port && port <= Number(to ?? from)
  })

const matches = (rule: Rule, port: number | null): boolean =>
  !rule.isEstablishedOnly &&
  !rule.isLoopbackOnly &&
  !(rule.isOtherProtocol && port !== null) &&
  (port === null || rule.ports === null || hasPort(rule.ports, port))

/** How a chain ends for a new connection that no narrow rule is about: 'narrow' rules let some of them through. */
const outcome = (base: BaseChain, question: Question): 'open' | 'closed' => {
  let steps = 0
  const walk = (chain: Chain, depth: number): 'open' | 'closed' | 'return' => {
    for (const rule of chain.rules) {
      steps += 1
      if (steps > maxSteps || depth > maxDepth) return 'open' // not understood is not protected
      if (!matches(rule, question.port) || !question.isOpen(rule)) continue
      if (rule.action === 'accept') return 'open'
      if (rule.action === 'drop') return 'closed'
      if (rule.action === 'return') return 'return'
      const next = rule.to === null ? undefined : base.chains.get(rule.to)
      if (!next) continue
      const result = walk(next, depth + 1)
      if (result !== 'return') return result
      if (rule.action === 'goto') return 'return'
    }
    return 'return'
  }
  const result = walk(base.chain, 0)
  return result === 'return' ? (base.chain.drops ? 'closed' : 'open') : result
}

const closedFamilies = (chains: readonly BaseChain[], question: Question): Family[] => {
  const closed = chains
    .filter(({ chain }) => chain.hook === question.hook)
    .filter((base) => outcome(base, question) === 'closed')
    .flatMap(({ families }) => families)
  return [...new Set(closed)].sort()
}

/** The families in which what leaves to anywhere, over any port, is dropped. */
export const egressClosed = (chains: readonly BaseChain[]): Family[] =>
  closedFamilies(chains, {
    hook: 'output',
    port: null,
    isOpen: (rule) => !rule.narrowsDestination && rule.ports === null && !rule.isOtherProtocol,
  })

/** The families in which a connection to `port` from anywhere is dropped. */
export const sourceClosed = (chains: readonly BaseChain[], port: number): Family[] =>
  closedFamilies(chains, { hook: 'input', port, isOpen: (rule) => !rule.narrowsSource })
