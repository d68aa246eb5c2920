import type { Templates } from '../elastic/elastic-templates.ts'

// One shard: revisions are its sequence numbers. The value is one string of JSON that nothing looks into.
export const stateTemplates: Templates = { state: { shards: 1, properties: { key: { type: 'keyword' } } } }
