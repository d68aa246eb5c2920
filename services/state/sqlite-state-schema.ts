/** Revisions count over the whole store: one of a deleted entry never comes again for its successor. */
export const stateMigrations = [
  `CREATE TABLE entry (key TEXT PRIMARY KEY, value TEXT NOT NULL, revision INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE last_revision (revision INTEGER NOT NULL) STRICT;
   INSERT INTO last_revision VALUES (0);`,
]
