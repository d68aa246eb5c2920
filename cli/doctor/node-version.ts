import { readFileSync } from 'node:fs'
import type { Finding } from '#services/finding.ts'
import { type Check, fine, wrong } from './check.ts'

const packageFile = new URL('../../package.json', import.meta.url)
const majorOf = (version: string): number => Number(version.replace(/^v/, '').split('.')[0])

/** `own`: the version that the package brings. */
export const judgeNode = (running: string, own: string): Finding => {
  if (majorOf(running) >= majorOf(own)) return fine('node', running)
  return wrong(
    'node',
    `${running}, but Bartizan is made for ${majorOf(own)}`,
    'start it with ./bartizan or npm start: they bring their own Node',
  )
}

export const nodeVersion: Check = {
  name: 'node',
  run: async () => {
    const { dependencies } = JSON.parse(readFileSync(packageFile, 'utf8')) as { dependencies: { node: string } }
    return [judgeNode(process.version, dependencies.node)]
  },
}
