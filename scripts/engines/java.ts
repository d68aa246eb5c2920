import { readdir, readFile, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export type Java = { home: string; version: number; modules: string[] }

/** From the `release` file that every JDK and JRE has since Java 9. @returns null when it is something else */
export const parseRelease = (home: string, text: string): Java | null => {
  const version = /^JAVA_VERSION="(\d{1,3})/m.exec(text)
  const modules = /^MODULES="([^"\n]*)"/m.exec(text)
  return version && modules ? { home, version: Number(version[1]), modules: modules[1]!.split(' ') } : null
}

const ofPath = async (): Promise<string[]> => {
  const homes = (process.env.PATH ?? '').split(':').map(async (folder) => {
    const java = await realpath(join(folder, 'java')).catch(() => null)
    return java === null ? [] : [dirname(dirname(java))]
  })
  return (await Promise.all(homes)).flat()
}

const installed = async (): Promise<Java[]> => {
  const all = '/usr/lib/jvm'
  const named = [process.env.ES_JAVA_HOME, process.env.JAVA_HOME].filter((home) => home !== undefined)
  const system = (await readdir(all).catch(() => [])).sort().map((name) => join(all, name))
  const homes = [...new Set([...named, ...(await ofPath()), ...system])]
  const read = homes.map(async (home) =>
    parseRelease(home, await readFile(join(home, 'release'), 'utf8').catch(() => '')),
  )
  return (await Promise.all(read)).filter((java) => java !== null)
}

/** @throws with what to install when no Java of the machine is new and complete enough */
export const findJava = async (engine: string, minimum: number, modules: string[] = []): Promise<Java> => {
  const javas = await installed()
  const fits = (java: Java) => java.version >= minimum && modules.every((module) => java.modules.includes(module))
  const java = javas.find(fits)
  if (java) return java
  const whole = modules.length > 0 ? ` with the modules ${modules.join(' and ')} (a full JDK)` : ''
  const seen = javas.map(({ home, version }) => `${version} in ${home}`).join(', ') || 'none'
  throw new Error(
    `${engine} needs Java ${minimum} or later${whole}; found: ${seen}.\n` +
      `  Install one (for example Temurin 25 from adoptium.net, or the package openjdk-${minimum}-jdk where there is one), or set ES_JAVA_HOME to it.`,
  )
}
