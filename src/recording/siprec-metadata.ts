import type { Role } from '../ports/payment-sessions.ts';

/** Somebody who was on the call: a role, never a number. */
export interface Participant {
  readonly id: string;
  readonly role: Role;
  readonly since: Date;
  /** Null: still there. */
  readonly until: Date | null;
}

/** What the recording server is told of a call (RFC 7865). */
export interface RecordingMetadata {
  readonly sessionId: string;
  readonly startedAt: Date;
  readonly participants: readonly Participant[];
  /** Who is heard on it. */
  readonly streams: readonly {
    readonly id: string;
    readonly label: string;
    readonly of: 'customer' | 'agent';
  }[];
}

const kNamespace = 'urn:ietf:params:xml:ns:recording:1';

/** Identifiers are UUIDs in base64 (RFC 7865 section 6.10). */
export function newRecordingId(): string {
  return Buffer.from(crypto.randomUUID().replaceAll('-', ''), 'hex').toString('base64');
}

/** The whole state, each time. All it holds was made here: there is nothing to escape. */
export function metadataXml({ sessionId, startedAt, participants, streams }: RecordingMetadata): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<recording xmlns="${kNamespace}">`,
    '<datamode>complete</datamode>',
    `<session session_id="${sessionId}"><start-time>${startedAt.toISOString()}</start-time></session>`,
    ...participants.map(
      ({ id, role }) =>
        `<participant participant_id="${id}"><nameID aor="sip:${role}@anonymous.invalid"><name>${role}</name></nameID></participant>`,
    ),
    ...streams.map(
      ({ id, label }) =>
        `<stream stream_id="${id}" session_id="${sessionId}"><label>${label}</label></stream>`,
    ),
    `<sessionrecordingassoc session_id="${sessionId}"><associate-time>${startedAt.toISOString()}</associate-time></sessionrecordingassoc>`,
    ...participants.map(
      ({ id, since, until }) =>
        `<participantsessionassoc participant_id="${id}" session_id="${sessionId}"><associate-time>${since.toISOString()}</associate-time>${until ? `<disassociate-time>${until.toISOString()}</disassociate-time>` : ''}</participantsessionassoc>`,
    ),
    ...participants.flatMap((participant) => streamsOf(participant, streams)),
    '</recording>',
    '',
  ].join('\r\n');
}

/** Nobody hears a monitor; the customer hears the agent's stream, and all others the customer's. */
function streamsOf({ id, role, until }: Participant, streams: RecordingMetadata['streams']): string[] {
  if (until) return [];
  const own = role === 'customer' || role === 'agent' ? streams.filter((stream) => stream.of === role) : [];
  const heard = streams.filter((stream) => stream.of !== role);
  const parts = [
    ...own.map((stream) => `<send>${stream.id}</send>`),
    ...heard.map((stream) => `<recv>${stream.id}</recv>`),
  ];
  return [`<participantstreamassoc participant_id="${id}">${parts.join('')}</participantstreamassoc>`];
}
