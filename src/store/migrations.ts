import { kFollowUpMigration } from './follow-up-migration.ts';

/**
 * The schema, one step per version: `user_version` counts the steps a file has had. Steps that were released are never changed.
 * Times are ISO 8601 in UTC, amounts minor units. No column would hold a card number.
 */
export const kMigrations: readonly string[] = [
  `CREATE TABLE session (
     session_id TEXT PRIMARY KEY,
     call_id TEXT NOT NULL,
     profile TEXT NOT NULL,
     topology TEXT NOT NULL,
     locale TEXT NOT NULL,
     customer_id TEXT,
     merchant_id TEXT,
     reference TEXT,
     from_party TEXT NOT NULL,
     to_party TEXT NOT NULL,
     trunk TEXT NOT NULL,
     currency TEXT NOT NULL,
     amount_requested INTEGER,
     amount_charged INTEGER,
     exponent INTEGER NOT NULL,
     payment_ref TEXT NOT NULL UNIQUE,
     result TEXT,
     outcome TEXT CHECK (outcome IN ('success', 'declined', 'abandoned', 'failed', 'unknown')),
     gateway TEXT NOT NULL,
     transaction_id TEXT,
     auth_code TEXT,
     brand TEXT,
     last4 TEXT CHECK (length(last4) = 4),
     attempts INTEGER NOT NULL,
     declines INTEGER NOT NULL,
     last_decline_class TEXT,
     last_decline_code TEXT,
     stage_reached TEXT NOT NULL,
     caller_present INTEGER NOT NULL,
     announced INTEGER NOT NULL,
     started_at TEXT NOT NULL,
     ended_at TEXT,
     duration_ms INTEGER,
     media TEXT
   ) STRICT;
   CREATE INDEX session_started ON session (started_at);
   CREATE TABLE attempt (
     session_id TEXT NOT NULL REFERENCES session (session_id),
     attempt INTEGER NOT NULL,
     payment_ref TEXT NOT NULL,
     idempotency_key TEXT NOT NULL UNIQUE,
     state TEXT NOT NULL CHECK (state IN ('SUBMITTING', 'APPROVED', 'DECLINED', 'NOT_SENT', 'REJECTED_CONFIG',
                                          'UNKNOWN', 'REVERSED', 'NOT_CHARGED', 'MANUAL')),
     amount_minor INTEGER NOT NULL,
     currency TEXT NOT NULL,
     exponent INTEGER NOT NULL,
     brand TEXT NOT NULL,
     last4 TEXT NOT NULL CHECK (length(last4) = 4),
     gateway TEXT NOT NULL,
     transaction_id TEXT,
     decline_class TEXT,
     decline_code TEXT,
     sent_at TEXT NOT NULL,
     done_at TEXT,
     PRIMARY KEY (session_id, attempt)
   ) STRICT;
   -- At most one attempt of a payment that has charged the card, or may have.
   CREATE UNIQUE INDEX attempt_one_charge ON attempt (payment_ref)
     WHERE state IN ('SUBMITTING', 'APPROVED', 'UNKNOWN', 'MANUAL');
   CREATE INDEX attempt_unresolved ON attempt (sent_at) WHERE state IN ('SUBMITTING', 'UNKNOWN');
   -- What the health check writes: one row.
   CREATE TABLE probe (id INTEGER PRIMARY KEY CHECK (id = 1), filler BLOB NOT NULL) STRICT;`,
  `-- Who did what, each entry bound to the one before it; see audit-chain.ts.
   CREATE TABLE audit (
     seq INTEGER PRIMARY KEY,
     at TEXT NOT NULL,
     actor TEXT NOT NULL,
     action TEXT NOT NULL,
     object TEXT NOT NULL,
     detail TEXT NOT NULL,
     mac TEXT NOT NULL CHECK (length(mac) = 43)
   ) STRICT;
   CREATE INDEX audit_object ON audit (object);
   CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
     BEGIN SELECT raise(ABORT, 'an audit entry is never changed'); END;
   CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
     BEGIN SELECT raise(ABORT, 'an audit entry is never deleted'); END;
   -- How far the chain has come, so that a shorter one is noticed.
   CREATE TABLE audit_head (
     id INTEGER PRIMARY KEY CHECK (id = 1),
     seq INTEGER NOT NULL,
     mac TEXT NOT NULL CHECK (length(mac) = 43)
   ) STRICT;
   CREATE INDEX attempt_payment ON attempt (payment_ref);`,
  `-- What happened in sessions, for pages and integrations that were not there.
   CREATE TABLE event (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     session_id TEXT NOT NULL,
     at TEXT NOT NULL,
     type TEXT NOT NULL,
     detail TEXT NOT NULL
   ) STRICT;
   CREATE INDEX event_session ON event (session_id, id);
   -- What integrations are to be told, and up to which event each was.
   CREATE TABLE delivery (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     webhook TEXT NOT NULL,
     type TEXT NOT NULL,
     session_id TEXT NOT NULL,
     body TEXT NOT NULL,
     state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
     tries INTEGER NOT NULL,
     last_answer TEXT,
     created_at TEXT NOT NULL,
     next_at TEXT,
     done_at TEXT
   ) STRICT;
   CREATE INDEX delivery_due ON delivery (next_at) WHERE state = 'waiting';
   CREATE INDEX delivery_webhook ON delivery (webhook, id);
   CREATE TABLE webhook_cursor (webhook TEXT PRIMARY KEY, event_id INTEGER NOT NULL) STRICT;`,
  `-- Whose money it is; who is looking an open attempt up; and what is left of an audit whose oldest entries were let go of.
   ALTER TABLE attempt ADD COLUMN merchant_id TEXT;
   -- When it was sent by a clock nobody sets, and of which boot that is; see uptime.ts.
   ALTER TABLE attempt ADD COLUMN sent_uptime TEXT;
   UPDATE attempt SET merchant_id = (SELECT merchant_id FROM session WHERE session.session_id = attempt.session_id);
   CREATE INDEX session_customer ON session (customer_id) WHERE customer_id IS NOT NULL;
   CREATE TABLE lease (
     session_id TEXT NOT NULL,
     attempt INTEGER NOT NULL,
     holder TEXT NOT NULL,
     until TEXT NOT NULL,
     PRIMARY KEY (session_id, attempt)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE audit_base (
     id INTEGER PRIMARY KEY CHECK (id = 1),
     seq INTEGER NOT NULL,
     mac TEXT NOT NULL CHECK (length(mac) = 43)
   ) STRICT;
   DROP TRIGGER audit_is_not_deleted;
   CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
     WHEN old.seq > coalesce((SELECT seq FROM audit_base), 0)
     BEGIN SELECT raise(ABORT, 'an audit entry is never deleted'); END;`,
  kFollowUpMigration,
  `ALTER TABLE session ADD COLUMN agent_lost INTEGER NOT NULL DEFAULT 0;`,
  `-- What was answered to requests that may be sent again.
   CREATE TABLE answer (
     caller TEXT NOT NULL,
     key TEXT NOT NULL,
     digest TEXT NOT NULL,
     process TEXT NOT NULL,
     at TEXT NOT NULL,
     status INTEGER,
     content_type TEXT,
     location TEXT,
     body TEXT,
     PRIMARY KEY (caller, key)
   ) STRICT;
   CREATE INDEX answer_at ON answer (at);`,
  `ALTER TABLE session ADD COLUMN recording TEXT;`,
  `-- Whose session it is among agents, as a list in JSON.
   ALTER TABLE session ADD COLUMN agents TEXT;
   ALTER TABLE session ADD COLUMN active_ms INTEGER;`,
  // As of attempts: when it was sent by a clock nobody sets.
  'ALTER TABLE follow_up ADD COLUMN sent_uptime TEXT;',
];
