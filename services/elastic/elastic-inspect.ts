import type { Clock } from '../clock.ts'
import { BartizanError } from '../errors.ts'
import type { Finding } from '../finding.ts'
import { connectElastic, type Elastic, type ElasticConfig } from './elastic-client.ts'
import { allTemplates } from './elastic-setup.ts'
import { indexSchemas, missingTemplates, schemaVersion } from './elastic-templates.ts'

const askMs = 5_000
const maxSkewMs = 60_000
const leastShare = 0.15 // at 15 % free Elasticsearch stops to place shards on a node by default
const leastMajor = 9

type Health = { status: string; unassigned_shards: number; number_of_nodes: number }
type NodeStats = {
  name: string
  timestamp: number
  fs?: { total: { total_in_bytes: number; available_in_bytes: number } }
}
type Nodes<Node> = { nodes?: Record<string, Node> }

const wrong = (check: string, detail: string, fix: string): Finding => ({ check, ok: false, detail, fix })

const failed = (check: string, error: unknown): Finding => {
  const { message, hint } = error instanceof BartizanError ? error : { message: String(error), hint: undefined }
  return { check, ok: false, detail: message, ...(hint !== undefined && { fix: hint }) }
}

const ask = async <Body>(elastic: Elastic, path: string): Promise<Body> =>
  (await elastic.request<Body>({ method: 'GET', path, timeoutMs: askMs })).body

const health = async (elastic: Elastic): Promise<Finding[]> => {
  const { status, unassigned_shards: missing, number_of_nodes: nodes } = await ask<Health>(elastic, '/_cluster/health')
  const detail = `${status}, ${nodes} nodes, ${missing} shards without a node`
  if (status === 'green') return [{ check: 'elasticsearch health', ok: true, detail }]
  const fix =
    nodes === 1 && status === 'yellow'
      ? 'a single node holds no copies: set elasticsearch.replicas to 0, or add nodes'
      : 'GET _cluster/allocation/explain says which shard has no node, and why'
  return [wrong('elasticsearch health', detail, fix)]
}

const version = async (elastic: Elastic): Promise<Finding[]> => {
  const check = 'elasticsearch version'
  const { nodes = {} } = await ask<Nodes<{ version: string }>>(elastic, '/_nodes?filter_path=nodes.*.version')
  const versions = [...new Set(Object.values(nodes).map((node) => node.version))]
  const isOld = versions.some((one) => Number.parseInt(one, 10) < leastMajor)
  if (!isOld && versions.length > 0) return [{ check, ok: true, detail: versions.join(', ') }]
  return [wrong(check, versions.join(', ') || 'not told', `version ${leastMajor} or later is needed`)]
}

const templates = async (elastic: Elastic): Promise<Finding[]> => {
  const check = 'elasticsearch templates'
  const missing = await missingTemplates(elastic, allTemplates)
  if (missing === null)
    return [{ check, ok: true, skipped: true, detail: 'these credentials may not look at templates' }]
  if (missing.length === 0) return [{ check, ok: true, detail: `as they should be (schema ${schemaVersion})` }]
  const names = missing.map(({ name }) => name).join(', ')
  return [wrong(check, `missing or old: ${names}`, 'run `bartizan setup` with a user that may write templates')]
}

const indices = async (elastic: Elastic): Promise<Finding[]> => {
  const check = 'elasticsearch indices'
  const schemas = await indexSchemas(elastic, Object.keys(allTemplates))
  const strange = [...schemas].filter(([, schema]) => schema !== schemaVersion).map(([name]) => name)
  if (strange.length === 0) return [{ check, ok: true, detail: `${schemas.size}, all from our templates` }]
  return [wrong(check, `not from our templates: ${strange.join(', ')}`, 'move them away, then run `bartizan setup`')]
}

const judgeDisk = (name: string, total: NonNullable<NodeStats['fs']>['total']): Finding => {
  const check = `elasticsearch disk ${name}`
  const share = total.available_in_bytes / total.total_in_bytes
  const detail = `${(100 * share).toFixed(1)} % free`
  if (share >= leastShare) return { check, ok: true, detail }
  return wrong(check, detail, 'free space or add a node: on a full disk Elasticsearch refuses writes')
}

/** `nowMs`: of this machine when the nodes were asked. */
export const judgeNodes = (nodes: readonly NodeStats[], nowMs: number): Finding[] =>
  nodes.flatMap(({ name, timestamp, fs }) => {
    const skewMs = nowMs - timestamp
    const clock = `elasticsearch clock ${name}`
    const seconds = `${Math.round(skewMs / 1000)} s`
    return [
      Math.abs(skewMs) <= maxSkewMs
        ? { check: clock, ok: true, detail: 'agrees with ours' }
        : wrong(clock, `this machine is ${seconds} ahead of it`, 'let both take their time from NTP'),
      ...(fs ? [judgeDisk(name, fs.total)] : []),
    ]
  })

const nodes = async (elastic: Elastic, clock: Clock): Promise<Finding[]> => {
  const path = '/_nodes/stats/fs?filter_path=nodes.*.timestamp,nodes.*.name,nodes.*.fs.total'
  const { nodes: found = {} } = await ask<Nodes<NodeStats>>(elastic, path)
  return judgeNodes(Object.values(found), clock.now())
}

/** What is wrong with the cluster as these credentials see it; changes nothing. Never throws for that: it is a finding. */
export const inspectElasticsearch = async (config: ElasticConfig, clock: Clock): Promise<Finding[]> => {
  let elastic: Elastic
  try {
    elastic = connectElastic(config)
  } catch (error) {
    return [failed('elasticsearch settings', error)]
  }
  const look = async (check: string, findings: () => Promise<Finding[]>): Promise<Finding[]> => {
    try {
      return await findings()
    } catch (error) {
      return [failed(check, error)]
    }
  }
  try {
    const found = await Promise.all([
      look('elasticsearch health', () => health(elastic)),
      look('elasticsearch version', () => version(elastic)),
      look('elasticsearch templates', () => templates(elastic)),
      look('elasticsearch indices', () => indices(elastic)),
      look('elasticsearch nodes', () => nodes(elastic, clock)),
    ])
    return found.flat()
  } finally {
    await elastic.close()
  }
}
