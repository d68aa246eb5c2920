import type { SearchHit } from '../api.ts'

const mostWords = 20
const shortest = 2 // characters; a single one would mark half of the screen

/** What the hits were found by, each once, as it stands there. */
export const wordsOf = (hits: readonly Pick<SearchHit, 'snippet' | 'highlights'>[]): string[] => {
  const words = new Map<string, string>()
  for (const { snippet, highlights } of hits)
    for (const [start, end] of highlights) {
      const word = snippet.slice(start, end).trim()
      if (word.length >= shortest) words.set(word.toLowerCase(), word)
    }
  return [...words.values()].slice(0, mostWords)
}
