import type { StateEntry, StateStore } from '../state/state-store.ts'

const pageLimit = 500

/** Every entry with the prefix, page by page. */
export async function* listAll(state: StateStore, prefix: string): AsyncGenerator<StateEntry, void, void> {
  for (let after: string | undefined; ; ) {
    const page = await state.list(prefix, { limit: pageLimit, ...(after !== undefined && { after }) })
    yield* page
    after = page.at(-1)?.key
    if (page.length < pageLimit) return
  }
}
