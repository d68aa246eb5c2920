/** Pages of a list as the API gives them, for useInfiniteQuery: each begins where the one before it ended. */
export const byCursor = {
  initialPageParam: '',
  getNextPageParam: ({ next }: { next: string | null }) => next,
}

/** What to ask for the page at `cursor`; '': the first. */
export const pageAt = (cursor: string) => (cursor === '' ? {} : { cursor })
