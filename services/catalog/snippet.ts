import type { TextTerm } from '../schema/search-query.ts'
import { folded } from './search-text.ts'
import { termPlace } from './text-term.ts'

const maxChars = 240
const leadChars = 60

export type Snippet = { snippet: string; highlights: [start: number, end: number][] }

const found = (line: string, terms: readonly TextTerm[]): number =>
  terms.filter((term) => termPlace(term, folded(line)) !== null).length

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

const placesOf = (term: TextTerm, text: string): [number, number][] => {
  const places: [number, number][] = []
  for (let place = termPlace(term, text); place !== null; place = termPlace(term, text, place.end)) {
    places.push([place.start, place.end])
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

/** Of a document's lines the one with the most texts of the search, cut to 240 UTF-16 units around the first of them. */
export const snippetOf = (text: string, terms: readonly TextTerm[]): Snippet => {
  const lines = text.split('\n')
  const counts = lines.map((line) => found(line, terms))
  const line = lines[counts.indexOf(Math.max(...counts))] ?? ''
  const places = terms.flatMap((term) => termPlace(term, folded(line))?.start ?? [])
  const snippet = windowOf(line, places.length > 0 ? Math.min(...places) : 0)
  return { snippet, highlights: merged(terms.flatMap((term) => placesOf(term, folded(snippet)))) }
}
