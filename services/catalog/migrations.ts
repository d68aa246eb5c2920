const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** Splits at spaces and nothing else; changes nothing in a text that is folded. */
const atSpaces = quoted(`ascii tokenchars ${quoted('!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~')}`)

/**
 * Terms of distinctTermsOf, and in which rows: no places in them (a third of the size and half of the work is saved; a
 * match is checked against the row's text). Segments are merged 16 at a time, not 4: each is written anew less often.
 */
const createTermTable = (name: string): string => `
   CREATE VIRTUAL TABLE ${name} USING fts5
     (terms, content = '', contentless_delete = 1, detail = none, tokenize = ${atSpaces});
   INSERT INTO ${name} (${name}, rank) VALUES ('automerge', 16);`

/** Rows below `below` are not in the index of terms yet: see sqlite-text-rebuild.ts. */
const rebuildAll = (name: string, table: string, key: string): string => `
   INSERT INTO text_rebuild SELECT '${name}', last + 1 FROM (SELECT max(${key}) AS last FROM ${table})
     WHERE last IS NOT NULL;`

const countedAs = (row: 'OLD' | 'NEW'): string => `${row}.started_at_ms / 86400000, ${row}.bastion, ${row}.state`
const take = `
     UPDATE coverage SET count = count - 1
       WHERE OLD.parent_id IS NULL AND (day, bastion, state) = (${countedAs('OLD')});`
const give = `
     INSERT INTO coverage SELECT ${countedAs('NEW')}, 1 WHERE NEW.parent_id IS NULL
       ON CONFLICT (day, bastion, state) DO UPDATE SET count = count + 1;`

/**
 * How many sessions of a bastion and UTC day stand in each state, kept with every change of a session's row: reading it
 * costs the same however many there are. What was started in another session is no second one.
 */
const coverageTable = `CREATE TABLE coverage (
     day INTEGER NOT NULL, -- since 1970
     bastion TEXT NOT NULL,
     state TEXT NOT NULL,
     count INTEGER NOT NULL,
     PRIMARY KEY (day, bastion, state)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX coverage_by_bastion ON coverage (bastion, day);
   INSERT INTO coverage SELECT started_at_ms / 86400000, bastion, state, count(*) FROM session
     WHERE parent_id IS NULL GROUP BY 1, 2, 3;
   CREATE TRIGGER session_seen AFTER INSERT ON session BEGIN ${give} END;
   CREATE TRIGGER session_gone AFTER DELETE ON session BEGIN ${take} END;
   CREATE TRIGGER session_changed AFTER UPDATE OF parent_id, state, started_at_ms, bastion ON session
     WHEN (OLD.parent_id IS NULL, ${countedAs('OLD')}) IS NOT (NEW.parent_id IS NULL, ${countedAs('NEW')})
     BEGIN ${take} ${give} END;`

/**
 * Of sessions by their terminals. What a keyframe is made of stands apart: a list of ten thousand segments is read
 * without it. `screen` has a row for each text that became visible, like `command` for each command.
 */
const screenTables = `CREATE TABLE screen_session (
     number INTEGER PRIMARY KEY,
     session_id TEXT NOT NULL UNIQUE,
     user TEXT NOT NULL,
     bastion TEXT NOT NULL,
     started_at_ms INTEGER NOT NULL,
     next_seq INTEGER NOT NULL,
     through_us INTEGER NOT NULL,
     is_ended INTEGER NOT NULL,
     unavailable TEXT,
     text_count INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE screen_state (screen_number INTEGER PRIMARY KEY, state TEXT NOT NULL) STRICT;
   CREATE TABLE screen_segment (
     screen_number INTEGER NOT NULL,
     number INTEGER NOT NULL,
     start_us INTEGER NOT NULL,
     batch_seq INTEGER NOT NULL,
     frame INTEGER NOT NULL,
     byte INTEGER NOT NULL,
     cols INTEGER NOT NULL,
     rows INTEGER NOT NULL,
     is_alternate INTEGER NOT NULL,
     spans TEXT NOT NULL, -- JSON: pauses and marks
     PRIMARY KEY (screen_number, number)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE screen_keyframe (
     screen_number INTEGER NOT NULL,
     number INTEGER NOT NULL,
     init TEXT NOT NULL,
     PRIMARY KEY (screen_number, number)
   ) STRICT;
   CREATE TABLE screen (
     time_key INTEGER PRIMARY KEY,
     screen_number INTEGER NOT NULL,
     number INTEGER NOT NULL,
     at_ms INTEGER NOT NULL, -- in the session
     text TEXT NOT NULL,
     UNIQUE (screen_number, number)
   ) STRICT;
   ${createTermTable('screen_text')}`

/**
 * `time_key` orders by time and is the row's number at once: milliseconds · 2^14 + a counter. So the newest matches
 * of a text search come first without sorting, and a time range is a range of row numbers.
 */
export const migrations: readonly string[] = [
  `CREATE TABLE session (
     number INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     connection_id TEXT,
     parent_id TEXT,
     user TEXT NOT NULL,
     bastion TEXT NOT NULL,
     source_ip TEXT,
     state TEXT NOT NULL,
     started_at_ms INTEGER NOT NULL,
     ended_at_ms INTEGER,
     closing INTEGER, -- NULL while open; else the number of this closing among all
     next_seq INTEGER NOT NULL,
     command_count INTEGER NOT NULL,
     row TEXT NOT NULL,
     text TEXT NOT NULL
   ) STRICT;
   CREATE INDEX session_by_start ON session (started_at_ms DESC, id);
   CREATE INDEX session_by_closing ON session (closing);
   CREATE INDEX session_by_connection ON session (connection_id) WHERE connection_id IS NOT NULL;
   CREATE INDEX session_by_parent ON session (parent_id) WHERE parent_id IS NOT NULL;
   CREATE INDEX session_by_user ON session (user, started_at_ms DESC, id);
   CREATE INDEX session_by_bastion ON session (bastion, started_at_ms DESC, id);
   CREATE INDEX session_by_source ON session (source_ip, started_at_ms DESC, id);
   CREATE TABLE closings (count INTEGER NOT NULL) STRICT;
   INSERT INTO closings VALUES (0);

   CREATE TABLE progress (session_id TEXT PRIMARY KEY, progress TEXT NOT NULL) STRICT;
   CREATE TABLE sealed (session_id TEXT PRIMARY KEY, manifest_key TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE block (
     key TEXT PRIMARY KEY,
     session_id TEXT NOT NULL,
     first_seq INTEGER NOT NULL,
     last_seq INTEGER NOT NULL,
     start_ns INTEGER NOT NULL,
     end_ns INTEGER NOT NULL,
     first_at_ms INTEGER NOT NULL,
     last_at_ms INTEGER NOT NULL,
     size_bytes INTEGER NOT NULL,
     chain_hash TEXT NOT NULL,
     seals INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX block_by_session ON block (session_id, first_seq);

   CREATE TABLE command (
     time_key INTEGER PRIMARY KEY,
     session_number INTEGER NOT NULL,
     number INTEGER NOT NULL,
     row TEXT NOT NULL,
     text TEXT NOT NULL,
     UNIQUE (session_number, number)
   ) STRICT;

   CREATE TABLE event (
     time_key INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     kind TEXT NOT NULL,
     user TEXT,
     bastion TEXT NOT NULL,
     session_id TEXT,
     row TEXT NOT NULL,
     text TEXT NOT NULL
   ) STRICT;
   CREATE INDEX event_by_kind ON event (kind);
   CREATE INDEX event_by_user ON event (user) WHERE user IS NOT NULL;
   CREATE INDEX event_by_bastion ON event (bastion);
   CREATE INDEX event_by_session ON event (session_id) WHERE session_id IS NOT NULL;

   CREATE VIRTUAL TABLE session_text USING fts5 (text, content = '', contentless_delete = 1, tokenize = 'trigram');
   CREATE VIRTUAL TABLE command_text USING fts5 (text, content = '', contentless_delete = 1, tokenize = 'trigram');
   CREATE VIRTUAL TABLE event_text USING fts5 (text, content = '', contentless_delete = 1, tokenize = 'trigram');`,

  `DROP TABLE session_text;
   DROP TABLE command_text;
   DROP TABLE event_text;
   ${createTermTable('session_text')}
   ${createTermTable('command_text')}
   ${createTermTable('event_text')}
   CREATE TABLE text_rebuild (name TEXT PRIMARY KEY, below INTEGER NOT NULL) STRICT;
   ${rebuildAll('session_text', 'session', 'number')}
   ${rebuildAll('command_text', 'command', 'time_key')}
   ${rebuildAll('event_text', 'event', 'time_key')}`,

  `CREATE TABLE alert (
     time_key INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     rule TEXT NOT NULL,
     severity TEXT NOT NULL,
     status TEXT NOT NULL,
     user TEXT,
     bastion TEXT,
     source_ip TEXT,
     source_key TEXT, -- addressKey
     withdrawn INTEGER NOT NULL,
     row TEXT NOT NULL,
     text TEXT NOT NULL
   ) STRICT;
   CREATE INDEX alert_by_rule ON alert (rule);
   CREATE INDEX alert_by_status ON alert (status);
   CREATE INDEX alert_by_user ON alert (user) WHERE user IS NOT NULL;
   CREATE INDEX alert_by_bastion ON alert (bastion) WHERE bastion IS NOT NULL;
   CREATE INDEX alert_by_source ON alert (source_ip) WHERE source_ip IS NOT NULL;
   CREATE TABLE alert_session (
     session_id TEXT NOT NULL,
     alert_id TEXT NOT NULL,
     PRIMARY KEY (session_id, alert_id)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX alert_session_by_alert ON alert_session (alert_id);
   ${createTermTable('alert_text')}

   ALTER TABLE event ADD COLUMN source_ip TEXT AS (json_extract(row, '$.sourceIp')) VIRTUAL;
   ALTER TABLE event ADD COLUMN target TEXT AS (json_extract(row, '$.target')) VIRTUAL;
   ALTER TABLE event ADD COLUMN outcome TEXT AS (json_extract(row, '$.outcome')) VIRTUAL;
   CREATE INDEX event_by_source ON event (source_ip) WHERE source_ip IS NOT NULL;
   CREATE INDEX event_by_target ON event (target) WHERE target IS NOT NULL;`,

  `ALTER TABLE event ADD COLUMN connection_id TEXT AS (json_extract(row, '$.connectionId')) VIRTUAL;
   CREATE INDEX event_by_connection ON event (connection_id) -- see sqlite-read-logins.ts
     WHERE connection_id IS NOT NULL AND kind IN ('login', 'session_started', 'session_ended');
   CREATE INDEX event_failed_from ON event (source_ip, bastion) WHERE kind = 'login_failed';`,

  'CREATE TABLE erasure (session_id TEXT PRIMARY KEY, state TEXT NOT NULL) STRICT, WITHOUT ROWID;',

  coverageTable,

  screenTables,

  `ALTER TABLE session ADD COLUMN target TEXT AS (json_extract(row, '$.target')) VIRTUAL;
   CREATE INDEX session_by_target ON session (target) WHERE target IS NOT NULL;`,

  // Their rows tell whose they are: see user-term.ts.
  ['command', 'event', 'screen']
    .map(
      (table) => `DROP TABLE ${table}_text;
   ${createTermTable(`${table}_text`)}
   DELETE FROM text_rebuild WHERE name = '${table}_text';
   ${rebuildAll(`${table}_text`, table, 'time_key')}`,
    )
    .join('\n'),
]
