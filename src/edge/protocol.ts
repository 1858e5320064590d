import { z } from 'zod';
import { kDefaultLimits } from './limits.ts';
import { kTransports } from './transport/flow.ts';
import { kCredentialsSchema, kTrustSchema } from './trust/policy.ts';

// Lines of JSON on the socket between control and the edge process: control writes one `EdgeConfig`, the edge one `EdgeReply`
// `ready` or `failed`, and then `stats` every few seconds and what calls begin and end. From then on control may ask for the ladder of a call.

const kListen = z.strictObject({
  transport: z.enum(kTransports),
  host: z.string().min(1),
  /** 0 for any free one. */
  port: z.int().min(0).max(65_535),
});

const kLimits = z.strictObject(
  Object.fromEntries(Object.keys(kDefaultLimits).map((name) => [name, z.int().positive().optional()])) as {
    [name in keyof typeof kDefaultLimits]: z.ZodOptional<z.ZodInt>;
  },
);

/** PEM text: the process on the SIP port reads no files. */
const kTls = z.strictObject({
  /** The first is shown to who asks for no name, or an unknown one. */
  certificates: z.array(z.strictObject({ cert: z.string().min(1), key: z.string().min(1) })).min(1),
  /** Authorities that vouch for peers; null for those that come with Node. */
  ca: z.string().nullable(),
  /** Whether peers that connect must show a certificate. */
  clients: z.enum(['ignored', 'asked', 'required']),
  /** Whether servers we connect to must prove their name. */
  verifyServers: z.boolean(),
});

const kHostPort = z.strictObject({ host: z.string(), port: z.number() });

/** What the next process needs to know of a call to end it: the dialog (RFC 3261 section 12) and the way to its peer. */
const kKeptCall = z.strictObject({
  id: z.string(),
  callId: z.string(),
  /** From and To of our requests, with their tags. */
  local: z.string(),
  remote: z.string(),
  remoteTarget: z.string(),
  routeSet: z.array(z.string()),
  natHop: z.string().optional(),
  localSeq: z.number().optional(),
  contact: z.string(),
  flow: z.strictObject({
    transport: z.enum(kTransports),
    remote: kHostPort,
    local: kHostPort,
    domain: z.string().optional(),
  }),
});

export type KeptCall = z.infer<typeof kKeptCall>;

export const kEdgeConfigSchema = z.strictObject({
  listen: z.array(kListen).min(1),
  /** What an application must present. */
  secret: z.string().min(1),
  /** CIDR blocks or addresses of those who may call without being of a trunk; who is of neither gets silence. */
  allowFrom: z.array(z.string()),
  trust: kTrustSchema.optional(),
  /** How the far side of a NAT reaches us. */
  externalHost: z.string().min(1).nullable(),
  limits: kLimits.optional(),
  tls: kTls.nullable().optional(),
  webSocket: z.strictObject({ path: z.string().startsWith('/'), origins: z.array(z.string()) }).optional(),
  /** DNS servers, `address` or `address:port`; those of the system without it. */
  dnsServers: z.array(z.string()).optional(),
  /** Where every SIP message goes as HEP3, masked. */
  capture: z
    .strictObject({
      host: z.union([z.ipv4(), z.ipv6()]),
      port: z.int().min(1).max(65_535),
      agentId: z.int().min(0).max(0xff_ff_ff_ff),
      password: z.string().nullable(),
    })
    .nullable()
    .optional(),
  /** When requests in a dialog go to where the far end really is: see dialog/nat.ts; `private` unless given. */
  natFix: z.enum(['off', 'private', 'always']).optional(),
  /** Who decides about new requests instead of the applications that are connected. */
  requestHandlers: z
    .array(z.strictObject({ method: z.string().min(1), url: z.string().regex(/^(?:https?|tcp|tls):\/\//) }))
    .optional(),
  /** Port for applications on 127.0.0.1, so that they find a restarted edge again; any free one without it. */
  appPort: z.int().min(0).max(65_535).optional(),
  /** Calls of a process that died: each gets a BYE, so that nobody stays in a dead call. */
  lostCalls: z.array(kKeptCall).optional(),
});

export type EdgeConfig = z.infer<typeof kEdgeConfigSchema>;
export type EdgeTls = z.infer<typeof kTls>;
export type EdgeListen = z.infer<typeof kListen>;

const kEdgeRequest = z.union([
  z.object({ ladder: z.string() }),
  z.object({ tls: kTls }),
  z.object({ credentials: kCredentialsSchema }),
]);

/** What control asks of the running edge. */
export type EdgeRequest = z.infer<typeof kEdgeRequest>;

/** An {@link EdgeRequest} as a line. */
export const kEdgeRequestLine = z
  .string()
  .transform((line, context): unknown => {
    try {
      return JSON.parse(line);
    } catch {
      context.addIssue('no JSON');
      return z.NEVER;
    }
  })
  .pipe(kEdgeRequest);

const kLadder = z.object({
  callId: z.string(),
  peer: z.string(),
  startedAt: z.string(),
  rows: z
    .array(
      z.object({
        atMs: z.number(),
        kind: z.enum(['sent', 'received', 'note']),
        text: z.string(),
        method: z.string(),
      }),
    )
    .readonly(),
  leftOut: z.number(),
});

const kCounts = z.record(z.string(), z.number());

const kStats = z.object({
  messages: kCounts,
  drops: kCounts,
  retransmissions: z.number(),
  transactions: z.number(),
  dialogs: z.number(),
  timers: z.number(),
  bindings: z.number(),
  bans: z.number(),
  callsByTrunk: kCounts,
  applications: z.number(),
  memory: z.object({
    rssBytes: z.number(),
    heapBytes: z.number(),
    heapLeftBytes: z.number().nullable(),
    collections: z.number(),
  }),
});

const kFailure = z.object({
  code: z.string(),
  transport: z.string(),
  host: z.string(),
  port: z.number(),
  message: z.string(),
});

export const kEdgeReplySchema = z.union([
  z.object({ ready: z.object({ appPort: z.number(), listen: z.array(kListen) }) }),
  z.object({ failed: kFailure }),
  z.object({ stats: kStats }),
  /** null when that call is not known, or no longer. */
  z.object({ ladderOf: z.string(), ladder: kLadder.nullable() }),
  /** Of a call by a name of its own: what would have to be known to end it; null once it is over. */
  z.object({ callKept: z.string(), call: kKeptCall.nullable() }),
]);

export type EdgeReply = z.infer<typeof kEdgeReplySchema>;
export type EdgeFailure = z.infer<typeof kFailure>;

/** What the edge writes as a line of its standard output. */
export const kEdgeLogSchema = z.looseObject({ level: z.enum(['info', 'warn', 'error']), msg: z.string() });
