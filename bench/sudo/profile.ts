import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

const CallFrame = z.object({ functionName: z.string(), url: z.string(), lineNumber: z.number() })
const Profile = z.object({
  nodes: z.array(z.object({ id: z.number(), callFrame: CallFrame, children: z.array(z.number()).optional() })),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
})
type Profile = z.infer<typeof Profile>

const most = 12
const leastSeconds = 0.5
const notAtWork = ['(idle)', '(root)']
const ourFolders = /\/(hooks|ingest|services|detectors|delivery|viewer|cli)\//

const nameOf = ({ functionName, url, lineNumber }: z.infer<typeof CallFrame>): string => {
  const place = url === '' ? '' : ` ${url.split('/').slice(-2).join('/')}:${lineNumber + 1}`
  return `${functionName || '(anonymous)'}${place}`
}

/** Seconds by function: of itself, and, for our own, with all that it called. */
const timesOf = ({ nodes, samples, timeDeltas }: Profile) => {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)))
  const [own, whole] = [new Map<string, number>(), new Map<string, number>()]
  const add = (times: Map<string, number>, key: string, seconds: number) =>
    times.set(key, (times.get(key) ?? 0) + seconds)
  for (const [at, id] of samples.entries()) {
    const seconds = (timeDeltas[at] ?? 0) / 1e6
    const name = nameOf(byId.get(id)!.callFrame)
    if (notAtWork.includes(name)) continue
    add(own, name, seconds)
    const onStack = new Set<string>()
    for (let up: number | undefined = id; up !== undefined; up = parents.get(up)) {
      const { callFrame } = byId.get(up)!
      if (ourFolders.test(callFrame.url)) onStack.add(nameOf(callFrame))
    }
    for (const ours of onStack) add(whole, ours, seconds)
  }
  return { own, whole }
}

const lines = (title: string, times: Map<string, number>, total: number): string[] => {
  const rows = [...times].sort(([, a], [, b]) => b - a).slice(0, most)
  return [
    title,
    ...rows.map(([key, seconds]) => `  ${seconds.toFixed(2)} s ${Math.round((100 * seconds) / total)} % ${key}`),
  ]
}

/** Where the time of every thread went that had some. */
export const whereTimeWent = async (folder: string): Promise<string> => {
  const texts: string[] = []
  for (const name of (await readdir(folder)).filter((each) => each.endsWith('.cpuprofile'))) {
    const { own, whole } = timesOf(Profile.parse(JSON.parse(await readFile(join(folder, name), 'utf8'))))
    const total = [...own.values()].reduce((sum, seconds) => sum + seconds, 0)
    if (total < leastSeconds) continue
    texts.push(`${name}: ${total.toFixed(1)} s at work`)
    texts.push(...lines(' by itself', own, total), ...lines(' with what it called', whole, total))
  }
  return texts.join('\n')
}
