/** What was found of a session's typed lines, against what was typed. */
export type FoundLine = { line: string; execs: string[][]; confidence?: number }
export type Verdict = {
  typed: number
  found: number
  exact: number // found, in the right place, and the very text
  execs: number // whose line can be told
  execsRight: number
  wrong: string[] // for a person: - was typed and not found, + was found and not typed, ? is with the wrong line
  confidences: { confidence: number; right: boolean }[]
}

const tagsOf = (text: string): string[] => [...new Set(text.match(/t\d+q/g) ?? [])]

/** Longest common subsequence, as pairs of indexes. */
const aligned = (typed: string[], found: string[]): [number, number][] => {
  const width = found.length + 1
  const best = new Uint16Array((typed.length + 1) * width)
  for (let i = typed.length - 1; i >= 0; i--)
    for (let j = found.length - 1; j >= 0; j--)
      best[i * width + j] =
        typed[i] === found[j]
          ? best[(i + 1) * width + j + 1]! + 1
          : Math.max(best[(i + 1) * width + j]!, best[i * width + j + 1]!)
  const pairs: [number, number][] = []
  for (let i = 0, j = 0; i < typed.length && j < found.length; ) {
    if (typed[i] === found[j]) pairs.push([i++, j++])
    else if (best[(i + 1) * width + j]! >= best[i * width + j + 1]!) i++
    else j++
  }
  return pairs
}

const keyOf = (exec: string[]): string => tagsOf(exec.join(' ')).sort().join(' ')

const isWithin = (key: string, text: string): boolean => key.split(' ').every((tag) => tagsOf(text).includes(tag))

/**
 * An exec with tags belongs to a line that has them all, whatever else it says; lines that are alike caused as many
 * each.
 */
const judgeKey = (key: string, rows: FoundLine[]): { execs: number; wrong: string[] } => {
  const counted = rows.map((row) => ({ row, count: row.execs.filter((exec) => keyOf(exec) === key).length }))
  const execs = counted.reduce((sum, { count }) => sum + count, 0)
  const alike = Object.values(Object.groupBy(counted, ({ row }) => row.line)).map((group) => group!)
  const wrong = alike.flatMap((group) => {
    const { line } = group[0]!.row
    const counts = group.map(({ count }) => count)
    const sum = counts.reduce((total, count) => total + count, 0)
    const share = isWithin(key, line) ? Math.ceil(sum / group.length) : 0
    const surplus = counts.reduce((total, count) => total + Math.max(0, count - share), 0)
    return Array.from({ length: surplus }, () => `? ${key}: ${line}`)
  })
  return { execs, wrong }
}

const judgeExecs = (rows: FoundLine[]) => {
  const keys = new Set(rows.flatMap(({ execs }) => execs.map(keyOf)).filter((key) => key !== ''))
  const judged = [...keys].map((key) => judgeKey(key, rows))
  const execs = judged.reduce((sum, one) => sum + one.execs, 0)
  const wrong = judged.flatMap((one) => one.wrong)
  return { execs, execsRight: execs - wrong.length, wrong }
}

export const judge = (typed: string[], rows: FoundLine[]): Verdict => {
  const truth = typed.map((line) => line.trimEnd())
  const lines = rows.filter(({ line }) => line !== '')
  const found = lines.map(({ line }) => line.trimEnd())
  const pairs = aligned(truth, found)
  const [right, seen] = [new Set(pairs.map(([, at]) => at)), new Set(pairs.map(([at]) => at))]
  const judged = judgeExecs(rows)
  const differences: [number, string][] = [
    ...truth.flatMap((line, at): [number, string][] => (seen.has(at) ? [] : [[at, `- ${line}`]])),
    ...found.flatMap((line, at): [number, string][] => {
      const before = pairs.findLast(([, index]) => index < at)
      return right.has(at) ? [] : [[(before?.[0] ?? -1) + 0.5, `+ ${line}`]]
    }),
  ]
  return {
    typed: truth.length,
    found: found.length,
    exact: pairs.length,
    execs: judged.execs,
    execsRight: judged.execsRight,
    wrong: [...differences.sort(([a], [b]) => a - b).map(([, text]) => text), ...judged.wrong],
    confidences: lines.flatMap(({ confidence }, at) =>
      confidence === undefined ? [] : [{ confidence, right: right.has(at) }],
    ),
  }
}
