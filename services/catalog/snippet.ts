import { folded, placeOf } from './search-text.ts'

const maxChars = 240
const leadChars = 60

export type Snippet = { snippet: string; highlights: [start: number, end: number][] }

const found = (line: string, words: readonly string[]): number =>
  words.filter((word) => placeOf(word, folded(line)) >= 0).length

/** A cut never leaves half of a surrogate pair. */
const cut = (line: string, from: number, to: number): string => {
  const start = /[\udc00-\udfff]/.test(line[from] ?? '') ? from + 1 : from
  return line.slice(start, to).replace(/[\ud800-\udbff]$/, '')
}

const windowOf = (line: string, firstMatch: number): string => {
  if (line.length <= maxChars) return line
  const from = Math.max(0, Math.min(firstMatch - leadChars, line.length - (maxChars - 1)))
  const before = from > 0 ? '…' : ''
  const room = maxChars - before.length
  return from + room >= line.length
    ? before + cut(line, from, line.length)
    : `${before}${cut(line, from, from + room - 1)}…`
}

const placesOf = (word: string, text: string): [number, number][] => {
  const places: [number, number][] = []
  for (let at = placeOf(word, text); at >= 0; at = placeOf(word, text, at + word.length)) {
    places.push([at, at + word.length])
  }
  return places
}

const merged = (places: [number, number][]): [number, number][] => {
  const result: [number, number][] = []
  for (const [start, end] of places.sort((a, b) => a[0] - b[0])) {
    const last = result.at(-1)
    if (last && start <= last[1]) last[1] = Math.max(last[1], end)
    else result.push([start, end])
  }
  return result
}

/** Of a document's lines the one with the most words of the search, cut to 240 UTF-16 units around the first of them. */
export const snippetOf = (text: string, words: readonly string[]): Snippet => {
  const lines = text.split('\n')
  const counts = lines.map((line) => found(line, words))
  const line = lines[counts.indexOf(Math.max(...counts))] ?? ''
  const places = words.map((word) => placeOf(word, folded(line))).filter((at) => at >= 0)
  const snippet = windowOf(line, places.length > 0 ? Math.min(...places) : 0)
  return { snippet, highlights: merged(words.flatMap((word) => placesOf(word, folded(snippet)))) }
}
