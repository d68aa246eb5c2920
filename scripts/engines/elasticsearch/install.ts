import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Installation } from '../cache.ts'
import { parseChecksums, verifyFolder } from '../checksums.ts'
import { findJava, type Java } from '../java.ts'
import { maven } from '../maven.ts'
import { run } from '../programs.ts'

const version = '9.5.3'
const sums = fileURLToPath(new URL('zip.sha256', import.meta.url))

/** Its entitlements need jdk.jlink, its vectors the other: a JDK with all its modules. */
export const elasticsearchJava = (): Promise<Java> =>
  findJava('Elasticsearch', 21, ['jdk.jlink', 'jdk.incubator.vector'])

/** The server as Elastic publishes it for tests of plugins: the core, without a JDK and without most modules. */
export const elasticsearch: Installation = {
  name: `elasticsearch-${version}`,
  effort: 'a download of 132 MB by Maven',
  fill: async (folder) => {
    const jar = join((await elasticsearchJava()).home, 'bin', 'jar')
    const download = join(folder, 'download')
    const artifact = `org.elasticsearch.distribution.integ-test-zip:elasticsearch:${version}:zip`
    await maven('copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${download}`)
    await verifyFolder(download, parseChecksums(await readFile(sums, 'utf8')))
    await run(jar, ['--extract', '--file', join(download, `elasticsearch-${version}.zip`)], { cwd: folder })
    await rm(download, { recursive: true })
  },
}

export const homeIn = (folder: string): string => join(folder, `elasticsearch-${version}`)
