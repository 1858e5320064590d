import { z } from 'zod';

// Whom the edge listens to, as control tells it. Everything has a default, so that an edge without a word about trust answers
// the sources of `allowFrom` and nobody else.

const kHa1 = z.string().regex(/^[0-9a-f]{32,64}$/);

/** H(user:realm:password) per algorithm: those it may be used with. */
const kHa1s = z.strictObject({
  'SHA-256': kHa1.optional(),
  'SHA-512-256': kHa1.optional(),
  MD5: kHa1.optional(),
});

const kTrunkCredentials = z.strictObject({
  user: z.string().min(1),
  realm: z.string().min(1),
  ha1: kHa1s,
});

const kTrunk = z.strictObject({
  name: z.string().min(1),
  /** CIDR blocks and addresses. */
  sources: z.array(z.string()).default([]),
  /** Names a verified certificate of the peer bears. */
  tlsNames: z.array(z.string()).default([]),
  /** Who may use it with digest credentials. Without sources and TLS names: from anywhere. */
  users: z.array(z.string()).default([]),
  callsPerSecond: z.number().positive().nullable().default(null),
  concurrentCalls: z.int().min(0).nullable().default(null),
  /** Whom the trunk knows us as, for requests the edge sends of its own accord. */
  credentials: kTrunkCredentials.nullable().default(null),
});

const kUser = z.strictObject({
  name: z.string().min(1),
  ha1: kHa1s,
});

const kDigest = z.strictObject({
  realm: z.string().min(1).default('hushpay'),
  allowMd5: z.boolean().default(false),
  /** Offers nothing but MD5: some phones give up at the first challenge whose algorithm they do not know. */
  onlyMd5: z.boolean().default(false),
  /** Life of a nonce; a client that comes later is given a new one. */
  nonceMs: z.int().positive().default(300_000),
});

const kGuard = z.strictObject({
  /** So many requests of a source outside the sources of all trunks within `perMs`; one more bans it for `banMs`. */
  requests: z.int().positive().default(16),
  perMs: z.int().positive().default(2_000),
  banMs: z.int().positive().default(300_000),
  /** So many wrong answers to a challenge of ours within `perMs` * 30 are forgiven. */
  wrongAnswers: z.int().positive().default(10),
  /** Sources that are remembered; the oldest are forgotten. */
  sources: z.int().positive().default(10_000),
  /** Parts of User-Agent, From, To and request URI that give away a scanner; any case. */
  scanners: z.array(z.string().min(1)).default([]),
});

const kRegistrar = z.strictObject({
  minExpiresS: z.int().positive().default(60),
  maxExpiresS: z.int().positive().default(3_600),
  contactsPerUser: z.int().positive().default(5),
});

export const kTrustSchema = z.strictObject({
  trunks: z.array(kTrunk).default([]),
  users: z.array(kUser).default([]),
  digest: kDigest.prefault({}),
  guard: kGuard.prefault({}),
  registrar: kRegistrar.prefault({}),
});

/** What may be replaced while calls go on: who users are, and whom trunks, by name, know us as. */
export const kCredentialsSchema = z.strictObject({
  users: z.array(kUser),
  trunks: z.record(z.string(), kTrunkCredentials.nullable()),
});

/** As it is written: what has a default may be left out. */
export type TrustInput = z.input<typeof kTrustSchema>;
export type TrustPolicy = z.output<typeof kTrustSchema>;
export type TrunkPolicy = TrustPolicy['trunks'][number];
export type UserPolicy = TrustPolicy['users'][number];
export type DigestPolicy = TrustPolicy['digest'];
export type GuardPolicy = TrustPolicy['guard'];
export type RegistrarPolicy = TrustPolicy['registrar'];

export type EdgeCredentials = z.output<typeof kCredentialsSchema>;

export const kNoTrust: TrustPolicy = kTrustSchema.parse({});
