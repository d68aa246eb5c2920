import { z } from 'zod'
import { NewSavedSearch, SavedSearch } from '#services/saved-searches/saved-searches.ts'
import { listOf, Session } from '#services/schema/session.ts'
import {
  FacetsAnswer,
  FacetsQuery,
  FieldsAnswer,
  Hints,
  Hit,
  SearchQuery,
  SearchSessionsQuery,
  ValuesAnswer,
  ValuesQuery,
} from '../routes/search.ts'
import { type Operation, shownFor, siftedListOf } from './operation.ts'

/** Search, and searches that were saved. */
export const searchOperations: Operation[] = [
  {
    method: 'get',
    path: '/api/search',
    summary: 'Find text in commands and events',
    query: SearchQuery,
    answer: siftedListOf(Hit).extend({ hints: Hints }),
    headers: shownFor,
    isContent: true,
  },
  {
    method: 'get',
    path: '/api/search/sessions',
    summary:
      'What a search finds by session, that with the newest hit first; of each the newest five hits, in order of time',
    query: SearchSessionsQuery,
    headers: shownFor,
    isContent: true,
    answer: siftedListOf(z.object({ session: Session, hits: z.array(Hit), hitCount: listOf(Hit).shape.total })).extend({
      hints: Hints,
    }),
  },
  {
    method: 'get',
    path: '/api/search/facets',
    summary:
      'What those of the latest 300 hits that are in sessions and that the asker may see have most: at most 10 of each',
    query: FacetsQuery,
    headers: shownFor,
    isContent: true,
    answer: FacetsAnswer,
  },
  { method: 'get', path: '/api/search/fields', summary: 'Fields of the query language', answer: FieldsAnswer },
  {
    method: 'get',
    path: '/api/search/values',
    summary: 'At most 20 values of a field that begin so',
    query: ValuesQuery,
    answer: ValuesAnswer,
  },
  {
    method: 'get',
    path: '/api/searches',
    summary: 'Saved searches: those that somebody with the name of the asker saved, and those that are shared',
    answer: listOf(SavedSearch),
  },
  {
    method: 'post',
    path: '/api/searches',
    summary: 'Save a search; at most 100 each, 1,000 in all',
    body: NewSavedSearch,
    answer: SavedSearch,
    status: 201,
  },
  {
    method: 'delete',
    path: '/api/searches/{id}',
    summary: "Delete a saved search: one of their own, or as an admin anybody's",
    status: 204,
  },
]
