import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import test from 'ava'
import { z } from 'zod'
import { ocsf } from '#services/sinks/formats/ocsf.ts'
import { about, everySample } from '../samples.ts'

/**
 * What schema.ocsf.io exports of OCSF 1.8.0 (github.com/ocsf/ocsf-schema, Apache-2.0), made a JSON schema by ocsf-json-schema
 * 1.2.0 of PyPI: the classes that we use, with the profile `host` where we name it. Left out: titles, descriptions, and "at
 * least one of", with which zod accepts unknown attributes; ocsf.test.ts has those.
 */
const file = new URL('../../../fixtures/ocsf-1.8.0.schema.json.gz', import.meta.url)
type JsonSchema = Exclude<Parameters<typeof z.fromJSONSchema>[0], boolean>
const { classes, $defs } = JSON.parse(gunzipSync(readFileSync(file)).toString()) as {
  classes: Record<string, JsonSchema>
  $defs: Record<string, JsonSchema>
}
const readers = new Map(Object.entries(classes).map(([uid, schema]) => [uid, z.fromJSONSchema({ ...schema, $defs })]))

const documents = everySample.map((sample) => JSON.parse(ocsf(sample, about)) as Record<string, unknown>)
const problems = (document: Record<string, unknown>): string => {
  const reader = readers.get(String(document.class_uid))
  if (reader === undefined) return `no class ${document.class_uid}`
  const read = reader.safeParse(document)
  return read.success ? '' : z.prettifyError(read.error)
}

test("every sample is valid by OCSF's own schema: no attribute that is none, every type and number, all that is required", (t) => {
  for (const document of documents) t.is(problems(document), '', String(document.class_name))
})

test('the schema notices what is wrong', (t) => {
  const [document] = documents as [Record<string, unknown>]
  const { user: _, ...without } = document
  const metadata = document.metadata as Record<string, unknown>
  for (const wrong of [
    { ...document, invented: 1 },
    { ...document, time: '2026-01-31T12:00:00Z' },
    { ...document, severity_id: 7 },
    { ...document, metadata: { ...metadata, invented: 1 } },
    without,
  ])
    t.not(problems(wrong), '')
})
