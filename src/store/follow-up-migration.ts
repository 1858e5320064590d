/**
 * Captures, voids and refunds; what a payment is and what was approved of it. Columns of `follow_up` in the order of `FollowUpRecord`.
 */
export const kFollowUpMigration = `ALTER TABLE attempt ADD COLUMN operation TEXT NOT NULL DEFAULT 'sale'
     CHECK (operation IN ('sale', 'authorize', 'verify', 'tokenize'));
   ALTER TABLE attempt ADD COLUMN approved_minor INTEGER;
   ALTER TABLE session ADD COLUMN operation TEXT NOT NULL DEFAULT 'sale'
     CHECK (operation IN ('sale', 'authorize', 'verify', 'tokenize'));
   ALTER TABLE session ADD COLUMN token TEXT;
   CREATE TABLE follow_up (
     key TEXT PRIMARY KEY,
     request_key TEXT NOT NULL UNIQUE,
     session_id TEXT NOT NULL,
     attempt INTEGER NOT NULL,
     payment_ref TEXT NOT NULL,
     kind TEXT NOT NULL CHECK (kind IN ('capture', 'void', 'refund')),
     state TEXT NOT NULL CHECK (state IN ('SUBMITTING', 'DONE', 'ACCEPTED', 'REFUSED', 'NOT_SENT', 'NOT_DONE',
                                          'UNKNOWN', 'MANUAL')),
     amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
     currency TEXT NOT NULL,
     exponent INTEGER NOT NULL,
     gateway TEXT NOT NULL,
     transaction_id TEXT,
     reason TEXT,
     actor TEXT NOT NULL,
     note TEXT NOT NULL,
     sent_at TEXT NOT NULL,
     done_at TEXT,
     FOREIGN KEY (session_id, attempt) REFERENCES attempt (session_id, attempt)
   ) STRICT;
   CREATE INDEX follow_up_payment ON follow_up (payment_ref, sent_at);
   -- The next one is planned on what the last one came to.
   CREATE UNIQUE INDEX follow_up_one_open ON follow_up (payment_ref)
     WHERE state IN ('SUBMITTING', 'UNKNOWN', 'MANUAL');
   CREATE INDEX follow_up_unresolved ON follow_up (sent_at) WHERE state IN ('SUBMITTING', 'UNKNOWN');
   -- Whatever hushpay plans, no more is given back than the payment was.
   CREATE TRIGGER follow_up_within_payment BEFORE INSERT ON follow_up
     WHEN new.amount_minor > (SELECT coalesce(approved_minor, amount_minor) FROM attempt
                              WHERE session_id = new.session_id AND attempt = new.attempt)
       - (SELECT coalesce(sum(amount_minor), 0) FROM follow_up
          WHERE session_id = new.session_id AND attempt = new.attempt AND kind = new.kind
            AND state NOT IN ('REFUSED', 'NOT_SENT', 'NOT_DONE'))
     BEGIN SELECT raise(ABORT, 'more than the payment was'); END;`;
