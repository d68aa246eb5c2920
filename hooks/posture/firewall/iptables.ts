import { boundedLines } from '../read/lines.ts'
import type { Action, BaseChain, Chain, Family, Rule } from './chains.ts'

const limits = { maxLines: 50_000, maxChars: 8_192 }
const hooks: Record<string, Chain['hook']> = { INPUT: 'input', OUTPUT: 'output' }
const actions: Record<string, Action> = { ACCEPT: 'accept', DROP: 'drop', REJECT: 'drop', RETURN: 'return' }
const bystanders = new Set(['LOG', 'NFLOG', 'MARK', 'CONNMARK', 'AUDIT', 'TRACE', 'NFQUEUE', 'SET'])

const option = (line: string, names: string): string | null =>
  new RegExp(`(?:^| )(?:${names}) (\\S{1,1000})`).exec(line)?.[1] ?? null
const narrows = (line: string, names: string): boolean => {
  const value = new RegExp(` (! )?(?:${names}) (\\S{1,200})`).exec(line)
  return value !== null && value[1] === undefined && !/^(?:0\.0\.0\.0\/0|::\/0)$/.test(value[2]!)
}

const targetOf = (line: string): { action: Action; to: string | null } => {
  const jump = option(line, '-j')
  const to = jump ?? option(line, '-g')
  if (to === null || bystanders.has(to)) return { action: 'other', to: null }
  const action = Object.hasOwn(actions, to) ? actions[to]! : null
  return action === null ? { action: jump === null ? 'goto' : 'jump', to } : { action, to: null }
}

const readRule = (written: string): Rule => {
  const line = written.replace(/--comment (?:"[^"]{0,1000}"|\S{1,256})/, '').replace(/--log-prefix "[^"]{0,1000}"/, '')
  const states = option(line, '--ctstate|--state')
  const protocol = option(line, '-p')
  return {
    ...targetOf(line),
    narrowsSource: narrows(line, '-s|--src-range'),
    narrowsDestination: narrows(line, '-d|--dst-range|--uid-owner|--gid-owner'),
    isEstablishedOnly: states !== null && !states.includes('NEW'),
    isLoopbackOnly: / -[io] lo(?: |$)/.test(line) && !/ ! -[io] lo(?: |$)/.test(line),
    isOtherProtocol: protocol !== null && protocol !== 'tcp' && protocol !== 'all',
    ports: option(line, '--dport|--dports'),
  }
}

/** iptables-save or ip6tables-save: INPUT and OUTPUT of the table `filter`. */
export const readIptables = (text: string, family: Family): BaseChain[] => {
  const chains = new Map<string, Chain>()
  let table = ''
  for (const line of boundedLines(text, limits)) {
    if (line.startsWith('*')) table = line.slice(1)
    if (table !== 'filter') continue
    const [, made, policy] = /^:(\S{1,64}) (\S{1,16})/.exec(line) ?? []
    if (made !== undefined) {
      const hook = Object.hasOwn(hooks, made) ? hooks[made]! : null
      chains.set(made, { hook, drops: policy === 'DROP', rules: [] })
    }
    const [, added, rule] = /^(?:\[\d{1,20}:\d{1,20}\] )?-A (\S{1,64})( .*)$/.exec(line) ?? []
    if (added !== undefined) chains.get(added)?.rules.push(readRule(rule!))
  }
  return [...chains.values()]
    .filter(({ hook }) => hook !== null)
    .map((chain) => ({ families: [family], chain, chains }))
}
