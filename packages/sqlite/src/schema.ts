/** Raised with every change of the schema that older programs cannot work with. */
export const SCHEMA_VERSION = 1;
/** "STGF": tells the file from databases of other programs. */
export const APPLICATION_ID = 0x53544746;

/**
 * `projects` has the items, `listed` beside it the few hundred bytes of each that lists, searches and statistics read.
 * `change` rises with every write of any process; `listed_change` only when the listed row changed.
 */
export const SCHEMA = `
CREATE TABLE projects (
  id INTEGER PRIMARY KEY,
  project_id TEXT NOT NULL UNIQUE,
  change INTEGER NOT NULL,
  listed_change INTEGER NOT NULL,
  work_queue TEXT,
  work_due_at TEXT,
  pipeline TEXT,
  user_id TEXT,
  lease_owner TEXT,
  lease_claims INTEGER,
  item TEXT NOT NULL
) STRICT;
CREATE INDEX projects_change ON projects (change);
CREATE INDEX projects_due ON projects (work_queue, work_due_at, project_id, pipeline, user_id, lease_owner,
  lease_claims)
  WHERE work_queue IS NOT NULL;
CREATE INDEX projects_due_pipeline ON projects (work_queue, pipeline, work_due_at, project_id, user_id, lease_owner,
  lease_claims)
  WHERE work_queue IS NOT NULL;

CREATE TABLE listed (
  id INTEGER PRIMARY KEY,
  project_id TEXT NOT NULL,
  created_at TEXT,
  status TEXT,
  user_id TEXT,
  agent_id TEXT,
  pipeline TEXT,
  search TEXT NOT NULL,
  row TEXT NOT NULL
) STRICT;
CREATE INDEX listed_created ON listed (created_at, project_id, search);
CREATE INDEX listed_status ON listed (status, created_at, project_id);
CREATE INDEX listed_user ON listed (user_id, created_at, project_id);
CREATE INDEX listed_agent ON listed (agent_id, created_at, project_id) WHERE agent_id IS NOT NULL;
CREATE INDEX listed_pipeline ON listed (pipeline, created_at, project_id);

CREATE TABLE deleted (
  change INTEGER PRIMARY KEY,
  project_id TEXT NOT NULL,
  at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE logs (
  project_id TEXT NOT NULL,
  stage TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  lines TEXT NOT NULL,
  PRIMARY KEY (project_id, stage, attempt, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE records (
  pk TEXT NOT NULL,
  sk TEXT NOT NULL,
  gsi1_pk TEXT,
  gsi1_sk TEXT,
  gsi2_pk TEXT,
  gsi2_sk TEXT,
  expires_at INTEGER,
  item TEXT NOT NULL,
  PRIMARY KEY (pk, sk)
) STRICT, WITHOUT ROWID;
CREATE INDEX records_gsi1 ON records (gsi1_pk, gsi1_sk) WHERE gsi1_pk IS NOT NULL AND gsi1_sk IS NOT NULL;
CREATE INDEX records_gsi2 ON records (gsi2_pk, gsi2_sk) WHERE gsi2_pk IS NOT NULL AND gsi2_sk IS NOT NULL;
CREATE INDEX records_expiry ON records (expires_at) WHERE expires_at IS NOT NULL;

PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = ${SCHEMA_VERSION};
`;
