import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { listAll } from '../access/list-all.ts'
import type { Clock } from '../clock.ts'
import { BartizanError } from '../errors.ts'
import type { Principal } from '../schema/access.ts'
import type { StateStore } from '../state/state-store.ts'

/** Searches that somebody wants to ask again: for themselves, or for all who may search. */

export const NewSavedSearch = z.strictObject({
  name: z.string().trim().min(1).max(128),
  q: z.string().trim().min(1).max(512),
  shared: z.boolean(),
})
export type NewSavedSearch = z.infer<typeof NewSavedSearch>

export const SavedSearch = NewSavedSearch.extend({
  id: z.string().max(64),
  by: z.string().max(128), // whose it is: a name, since every sign-in has another id
  at: z.iso.datetime(),
})
export type SavedSearch = z.infer<typeof SavedSearch>

const prefix = 'saved-searches/'
const idForm = /^[0-9a-f]{16}$/
const maxOfOne = 100
const maxOfAll = 1_000

type Person = Pick<Principal, 'name' | 'role'>
const isVisible = (search: SavedSearch, { name }: Person): boolean => search.shared || search.by === name

const notFound = () => new BartizanError('BTZ_NOT_FOUND', 'there is no saved search with this id')

export const createSavedSearches = ({ state, clock }: { state: StateStore; clock: Clock }) => {
  const all = async (): Promise<SavedSearch[]> => {
    const found: SavedSearch[] = []
    for await (const { value } of listAll(state, prefix)) found.push(SavedSearch.parse(value))
    return found
  }
  const refuseMore = async ({ name }: Person): Promise<void> => {
    const searches = await all()
    const isFull = searches.length >= maxOfAll || searches.filter(({ by }) => by === name).length >= maxOfOne
    if (!isFull) return
    throw new BartizanError(
      'BTZ_TOO_MANY_REQUESTS',
      `${name} has ${maxOfOne} saved searches, or all have ${maxOfAll}`,
      {
        hint: 'delete some that nobody needs any more',
      },
    )
  }

  return {
    /** One's own and those that are shared, by name. */
    list: async (person: Person): Promise<SavedSearch[]> =>
      (await all())
        .filter((search) => isVisible(search, person))
        .sort((a, b) => a.name.localeCompare(b.name) || a.at.localeCompare(b.at)),
    /** @throws BTZ_TOO_MANY_REQUESTS */
    add: async (search: NewSavedSearch, person: Person): Promise<SavedSearch> => {
      await refuseMore(person)
      const id = randomBytes(8).toString('hex')
      const saved = { ...search, id, by: person.name, at: new Date(clock.now()).toISOString() }
      await state.put(prefix + id, saved, { ifRevision: 0 })
      return saved
    },
    /** One that this person may delete. @throws BTZ_NOT_FOUND BTZ_FORBIDDEN it is another's */
    deletable: async (id: string, person: Person): Promise<SavedSearch> => {
      const entry = idForm.test(id) ? await state.get(prefix + id) : null
      if (!entry) throw notFound()
      const search = SavedSearch.parse(entry.value)
      if (search.by === person.name || person.role === 'admin') return search
      if (!isVisible(search, person)) throw notFound()
      throw new BartizanError('BTZ_FORBIDDEN', `this search is one of ${search.by}'s`, {
        hint: 'ask them, or an admin, to delete it',
      })
    },
    remove: (id: string): Promise<void> => state.delete(prefix + id),
  }
}
export type SavedSearches = ReturnType<typeof createSavedSearches>
