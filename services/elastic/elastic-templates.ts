import { hash } from 'node:crypto'
import { BartizanError } from '../errors.ts'
import type { Elastic, ElasticConfig } from './elastic-client.ts'

/** Grows with every change that documents written before do not fit. */
export const schemaVersion = 1
const refreshInterval = '500ms' // how soon a write is found
/** Who erases may have segments written anew, and not change settings: by default a tenth of what is deleted may stay. */
const expungeAll = { 'merge.policy.expunge_deletes_allowed': 0 }

/** By the end of the names of its indices. `shards`: where the configured number would be wrong. */
export type TemplateBody = { shards?: number; properties: Record<string, object> }
export type Templates = Record<string, TemplateBody>

type Meta = { schema: number; digest: string }
type Template = { path: string; name: string; meta: Meta; body: object }

const component = '_component_template'
const composable = '_index_template'

const template = (kind: string, name: string, body: object): Template => {
  const meta = { schema: schemaVersion, digest: hash('sha256', JSON.stringify(body)).slice(0, 16) }
  return { path: `/${kind}/${name}`, name, meta, body: { ...body, _meta: { bartizan: meta } } }
}

const baseName = (prefix: string): string => `${prefix}-base`
const templateName = (prefix: string, suffix: string): string => `${prefix}-${suffix.replace('-*', '')}`

const baseOf = ({ indexPrefix, shards, replicas }: ElasticConfig): Template =>
  template(component, baseName(indexPrefix), {
    template: {
      settings: {
        ...{ number_of_shards: shards, number_of_replicas: replicas, refresh_interval: refreshInterval },
        ...expungeAll,
      },
      mappings: { dynamic: false, _meta: { bartizan: { schema: schemaVersion } } },
    },
  })

const composableOf = ({ indexPrefix }: ElasticConfig, suffix: string, body: TemplateBody): Template =>
  template(composable, templateName(indexPrefix, suffix), {
    index_patterns: [`${indexPrefix}-${suffix}`],
    priority: 500,
    allow_auto_create: true,
    composed_of: [baseName(indexPrefix)],
    template: {
      ...(body.shards !== undefined && { settings: { number_of_shards: body.shards } }),
      mappings: { properties: body.properties },
    },
  })

type FoundMeta = { _meta?: { bartizan?: Meta } }
type FoundTemplates = {
  component_templates?: { name: string; component_template: FoundMeta }[]
  index_templates?: { name: string; index_template: FoundMeta }[]
}

const misconfigured = (message: string, hint: string): BartizanError =>
  new BartizanError('BTZ_CATALOG_MISCONFIGURED', message, { hint })

const refused = 403
const newer = (what: string, schema: number): BartizanError =>
  misconfigured(
    `${what} was made by a newer version (schema ${schema}, this one knows ${schemaVersion})`,
    'run the newer version',
  )

/** What stands under the names of ours. Null: we may not look. */
const standing = async (elastic: Elastic): Promise<Map<string, Meta | null> | null> => {
  const found = new Map<string, Meta | null>()
  const { indexPrefix } = elastic.config
  for (const path of [`/${component}/${baseName(indexPrefix)}`, `/${composable}/${indexPrefix}-*`]) {
    const query = {
      filter_path:
        'component_templates.name,index_templates.name,component_templates.component_template._meta,index_templates.index_template._meta',
    }
    const { status, body } = await elastic.request<FoundTemplates>({
      method: 'GET',
      path,
      query,
      accept: [refused, 404],
    })
    if (status === refused) return null
    if (status === 404) continue
    for (const { name, component_template } of body.component_templates ?? [])
      found.set(name, component_template?._meta?.bartizan ?? null)
    for (const { name, index_template } of body.index_templates ?? [])
      found.set(name, index_template?._meta?.bartizan ?? null)
  }
  return found
}

/** What came since indices were made: fields are added to those that stand, their documents stay as they are. */
const extend = async (elastic: Elastic, suffix: string, { properties }: TemplateBody): Promise<void> => {
  const { status } = await elastic.request({
    method: 'PUT',
    path: `/${elastic.config.indexPrefix}-${suffix}/_mapping`,
    query: { ignore_unavailable: true, allow_no_indices: true },
    body: { properties },
    accept: [refused, 404],
  })
  if (status === refused)
    throw misconfigured(
      `the indices ${elastic.config.indexPrefix}-${suffix} of Elasticsearch lack fields, and we may not add them`,
      'run the set-up once with a user that has the privilege manage on them',
    )
}

const put = async (elastic: Elastic, { path, name, body }: Template): Promise<void> => {
  const { status } = await elastic.request({ method: 'PUT', path, body, accept: [refused] })
  if (status !== refused) return
  throw misconfigured(
    `the template ${name} of Elasticsearch is missing or old, and we may not write it`,
    'run the set-up once with a user that has the privilege manage_index_templates',
  )
}

/** Indices that were made before the setting came. */
const letExpungeAll = async (elastic: Elastic, suffixes: readonly string[]): Promise<void> => {
  const names = suffixes.map((suffix) => `${elastic.config.indexPrefix}-${suffix}`).join(',')
  const query = { ignore_unavailable: true, allow_no_indices: true }
  const { status } = await elastic.request({
    ...{ method: 'PUT', path: `/${names}/_settings`, query },
    ...{ body: { index: expungeAll }, accept: [refused, 404] },
  })
  if (status !== refused) return
  throw misconfigured(
    'the indices of Elasticsearch lack a setting, and we may not set it',
    'run the set-up once with a user that has the privilege manage on them',
  )
}

type Mappings = Record<string, { mappings?: { _meta?: { bartizan?: { schema?: number } } } }>

/** The form of each index of ours that is there; null: one that did not come from our templates. */
export const indexSchemas = async (
  elastic: Elastic,
  suffixes: readonly string[],
): Promise<Map<string, number | null>> => {
  const names = suffixes.map((suffix) => `${elastic.config.indexPrefix}-${suffix}`).join(',')
  const { body } = await elastic.request<Mappings>({
    method: 'GET',
    path: `/${names}/_mapping`,
    query: { ignore_unavailable: true, allow_no_indices: true },
    accept: [404],
  })
  return new Map(
    Object.entries(body)
      .filter(([, { mappings }]) => mappings !== undefined)
      .map(([name, { mappings }]) => [name, mappings?._meta?.bartizan?.schema ?? null]),
  )
}

const checkIndices = async (elastic: Elastic, suffixes: readonly string[], mayBeNone: boolean): Promise<void> => {
  const schemas = await indexSchemas(elastic, suffixes)
  for (const [name, schema] of schemas) {
    if (schema === schemaVersion) continue
    if (schema !== null && schema > schemaVersion) throw newer(`the index ${name}`, schema)
    throw misconfigured(
      `the index ${name} was not made by our templates (schema ${schema ?? 'none'})`,
      'move it away, run the set-up, and let `bartizan reindex` fill it again',
    )
  }
  if (schemas.size === 0 && !mayBeNone)
    throw misconfigured('the templates of Elasticsearch cannot be seen', 'run the set-up once')
}

/** Those that are missing or not as they should be. @throws BTZ_CATALOG_MISCONFIGURED made by a newer version */
export const missingTemplates = async (elastic: Elastic, templates: Templates): Promise<Template[] | null> => {
  const found = await standing(elastic)
  if (found === null) return null
  const { config } = elastic
  const wanted = [
    baseOf(config),
    ...Object.entries(templates).map(([suffix, body]) => composableOf(config, suffix, body)),
  ]
  for (const { name } of wanted) {
    const schema = found.get(name)?.schema ?? 0
    if (schema > schemaVersion) throw newer(`the template ${name}`, schema)
  }
  return wanted.filter(({ name, meta }) => found.get(name)?.digest !== meta.digest)
}

/** Those whose names are fixed; the others make themselves with the first write. */
export const makeIndices = async (elastic: Elastic, templates: Templates): Promise<void> => {
  for (const suffix of Object.keys(templates).filter((name) => !name.includes('*'))) {
    const path = `/${elastic.config.indexPrefix}-${suffix}`
    const { status, body } = await elastic.request<{ error?: { type: string } }>({ method: 'PUT', path, accept: [400] })
    if (status === 400 && body.error?.type !== 'resource_already_exists_exception')
      throw misconfigured(`Elasticsearch does not make the index ${path.slice(1)}: ${body.error?.type}`, 'see its log')
  }
}

/**
 * Templates as they should be, and indices made by them. Idempotent; where all is right nothing is written, so that a
 * process without the right to do so starts. One that may not even look at templates goes by the indices.
 * @throws BTZ_CATALOG_MISCONFIGURED BTZ_UNAVAILABLE
 */
export const ensureTemplates = async (elastic: Elastic, templates: Templates): Promise<void> => {
  const missing = await missingTemplates(elastic, templates)
  await checkIndices(elastic, Object.keys(templates), missing !== null)
  const [[base], others] = [
    (missing ?? []).filter(({ path }) => path.startsWith(`/${component}/`)),
    (missing ?? []).filter(({ path }) => !path.startsWith(`/${component}/`)),
  ]
  if (base) {
    await letExpungeAll(elastic, Object.keys(templates))
    await put(elastic, base) // others are composed of it
  }
  // Fields first: a template that is as it should be says that its indices are.
  await Promise.all(
    others.map(async (other) => {
      const [suffix, body] = Object.entries(templates).find(
        ([suffix]) => templateName(elastic.config.indexPrefix, suffix) === other.name,
      )!
      await extend(elastic, suffix, body)
      await put(elastic, other)
    }),
  )
}
