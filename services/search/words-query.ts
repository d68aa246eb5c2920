import { wordsOf } from '../catalog/search-text.ts'
import type { SearchQuery } from '../schema/search-query.ts'

/** All of these words, and nothing in them is syntax; each stands in the same row. @throws BTZ_CATALOG_QUERY too many */
export const wordsQuery = (text: string): SearchQuery => ({
  is: 'all',
  of: wordsOf(text).map((word) => ({ is: 'text', in: null, text: word, isPrefix: false })),
})
