import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Installation } from '../cache.ts'
import { parseChecksums, verifyFolder } from '../checksums.ts'
import { maven } from '../maven.ts'

const own = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** Kafka and what it runs on, from Maven Central; the versions are in pom.xml. */
export const kafka: Installation = {
  name: 'kafka-4.3.1',
  effort: 'a download of 44 MB by Maven',
  fill: async (folder) => {
    await maven('copy-dependencies', '-f', own('pom.xml'), '-DincludeScope=runtime', `-DoutputDirectory=${folder}`)
    await verifyFolder(folder, parseChecksums(await readFile(own('jars.sha256'), 'utf8')))
  },
}
