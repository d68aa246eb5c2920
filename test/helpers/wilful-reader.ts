import { answerCalls } from '#services/worker-calls.ts'

/** Stands in for a reader of the catalog, in a worker thread: does what the query says. */
answerCalls(() => ({
  operations: {
    session: (what: string) => {
      if (what === 'stuck') for (;;);
      if (what === 'exit') process.exit(3)
      return what
    },
  },
  close: () => undefined,
}))
