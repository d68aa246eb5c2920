import { askElastic } from '../cluster/elastic-index.ts'

const keyword = { type: 'keyword' }
const long = { type: 'long' }
const object = (properties: object) => ({ properties })
const commandLine = { type: 'text', fields: { keyword: { type: 'keyword', ignore_above: 1024 } } }

const properties = {
  '@timestamp': { type: 'date' },
  event: object({
    id: keyword,
    sequence: long,
    kind: keyword,
    category: keyword,
    action: keyword,
    outcome: keyword,
  }),
  host: object({ name: keyword }),
  user: object({ name: keyword, id: keyword }),
  process: object({ name: keyword, pid: long, executable: keyword, command_line: commandLine }),
  source: object({ ip: { type: 'ip' }, port: long }),
  session: object({ id: keyword }),
}

/** The index that a user of rsyslog would make for ECS: as light on Elasticsearch as it can be. */
export const createEcsIndex = async (url: string, index: string): Promise<void> => {
  const settings = { number_of_shards: 1, number_of_replicas: 0, refresh_interval: '5s' }
  await askElastic(url, 'PUT', `/${index}`, { settings, mappings: { dynamic: false, properties } })
}
