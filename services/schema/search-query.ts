/** What a search asks for, as a tree: the text of it is read by services/search/parse-query.ts. */

/** Kinds of rows a search finds. */
export const searchKinds = ['commands', 'screen', 'events'] as const
export type SearchKind = (typeof searchKinds)[number]

/**
 * Text that stands in a row, folded: `text` has its words parted by one space each.
 * `isPrefix`: it stands where a word begins; else anywhere from three characters on, shorter only where a word begins.
 */
export type TextTerm = { text: string; isPrefix: boolean }

/** The value itself, or what it begins with. */
export type NameMatch = { value: string; isPrefix: boolean }

export type SearchQuery =
  | { is: 'all'; of: SearchQuery[] } // of none: true
  | { is: 'any'; of: SearchQuery[] } // of none: false
  | { is: 'not'; of: SearchQuery }
  | ({ is: 'text'; in: SearchKind | null } & TextTerm) // null: in any row
  | ({ is: 'user' | 'host' | 'bastion' | 'session' } & NameMatch) // of a session: its id
  | { is: 'ip'; from: string; to: string } // by addressKey, both included
  | { is: 'after' | 'before'; atMs: number } // from then on; up to, and without, then
  | { is: 'longer' | 'shorter'; thanMs: number; orEqual: boolean; nowMs: number } // what goes on lasts until nowMs
  | { is: 'has'; what: 'alert' | 'transfer' }
  | { is: 'state'; state: string }
