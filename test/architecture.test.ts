import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'

const root = fileURLToPath(new URL('..', import.meta.url))
const stages = ['hooks', 'ingest', 'detectors', 'delivery', 'viewer']

const sources = readdirSync(root, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
  .map((entry) => relative(root, join(entry.parentPath, entry.name)))
  .filter(
    (file) => !/(^|\/)(node_modules|dist|data)\//.test(file) && !file.startsWith('test/') && !file.startsWith('bench/'),
  )

/** What a file imports, as a path from the root or as a package name. */
const imports = (file: string): string[] => {
  const text = readFileSync(join(root, file), 'utf8')
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*['"]([^'"\n]{1,200})['"]/g)].map((match) => match[1]!)
  return specifiers.map((specifier) => {
    if (specifier.startsWith('#')) return specifier.slice(1)
    return specifier.startsWith('.') ? relative(root, join(root, dirname(file), specifier)) : specifier
  })
}
const offenders = (files: string[], forbidden: (imported: string, file: string) => boolean): string[] =>
  files.flatMap((file) =>
    imports(file)
      .filter((imported) => forbidden(imported, file))
      .map((imported) => `${file} imports ${imported}`),
  )
const within = (folder: string) => sources.filter((file) => file.startsWith(`${folder}/`))

test('the source tree is found at all', (t) => {
  t.true(sources.length > 40)
  t.true(sources.some((file) => imports(file).includes('services/errors.ts')))
})

test('the schema imports only zod, protobuf and itself', (t) => {
  const allowed = (imported: string) =>
    imported === 'zod' || imported.startsWith('@bufbuild/protobuf') || imported.startsWith('services/schema/')
  t.deepEqual(
    offenders(within('services/schema'), (imported) => !allowed(imported)),
    [],
  )
})

test('a port imports only the schema', (t) => {
  const ports = [
    'bus/bus',
    'catalog/catalog',
    'keys/key-store',
    'recordings/recording-store',
    'state/state-store',
    'views/views',
  ]
  const files = ports.map((port) => `services/${port}.ts`)
  t.deepEqual(
    files.filter((file) => !sources.includes(file)),
    [],
  )
  t.deepEqual(
    offenders(files, (imported) => !imported.startsWith('services/schema/')),
    [],
  )
})

test('engines are touched only by their adapters', (t) => {
  const engines = /^(kafkajs|@aws-sdk\/|@elastic\/|node:sqlite)/
  const adapter = /^services\/.*\/(kafka|s3|elastic|sqlite)-[^/]*\.ts$/
  t.deepEqual(
    offenders(sources, (imported, file) => engines.test(imported) && !adapter.test(file)),
    [],
  )
})

test('stages do not import each other', (t) => {
  const foreign = (imported: string, file: string) => {
    const stage = imported.split('/')[0]!
    return stages.includes(stage) && stage !== file.split('/')[0]
  }
  t.deepEqual(offenders(stages.flatMap(within), foreign), [])
  t.deepEqual(
    offenders(within('services'), (imported) => [...stages, 'cli'].includes(imported.split('/')[0]!)),
    [],
  )
})

test('one file picks the adapters', (t) => {
  const adapter =
    /^services\/(bus\/(log|kafka)-bus|catalog\/(sqlite|elastic)-catalog|recordings\/(file|s3)-recording-store|keys\/file-key-store|state\/(sqlite|elastic)-state-store)\.ts$/
  const chooses = (imported: string, file: string) =>
    adapter.test(imported) && file !== 'services/backends.ts' && dirname(imported) !== dirname(file)
  t.deepEqual(offenders(sources, chooses), [])
})

test('no store of recordings can delete or overwrite', (t) => {
  const port = readFileSync(join(root, 'services/recordings/recording-store.ts'), 'utf8')
  t.notRegex(port.replaceAll(/\/\*[\s\S]*?\*\//g, ''), /\b(delete|remove|overwrite|destroy|truncate)\b/i)
})

test('the company of the bench knows nothing of the detectors it judges', (t) => {
  const files = ['bench/company.ts', ...readdirSync(join(root, 'bench/company')).map((file) => `bench/company/${file}`)]
  const allowed = /^(node:|zod$|services\/schema\/|bench\/(company|cluster\/process-cost)\b)/
  t.true(files.length > 30)
  t.deepEqual(
    offenders(files, (imported) => !allowed.test(imported)),
    [],
  )
})
