import type { Config } from '../config/config.ts';
import type { TrunkCredentials } from '../config/trust.ts';
import { offered } from '../digest/algorithm.ts';
import { ha1Of } from '../digest/response.ts';
import type { EdgeCredentials, TrunkPolicy, TrustPolicy } from '../edge/trust/policy.ts';
import type { SipFrontEnd } from '../sip/front-end.ts';
import type { RegistrationSettings } from '../sip/registration.ts';

/** The trunks we register with. */
export function registrationsOf({ sip }: Config): RegistrationSettings[] {
  return sip.trunks.flatMap(({ name, credentials, register }) =>
    credentials && register ? [{ trunk: name, credentials, ...register }] : [],
  );
}

/** Told, but no reason to take no calls: those of other trunks come all the same. */
export function registrationState({ registrations }: Pick<SipFrontEnd, 'registrations'>): {
  ok: true;
  detail: string;
} {
  const each = registrations.map(({ trunk, registered, registrar, problem }) => {
    const how = registered ? 'registered' : 'not registered';
    return `${trunk}: ${how} with ${registrar}${problem === null ? '' : ` (${problem})`}`;
  });
  return { ok: true, detail: each.join('; ') };
}

/** What the edge must know of trunks and users: no secret, only digests of it that are worth nothing outside their realm. */
export function trustOf({ sip }: Config): TrustPolicy {
  const { users, digest, guard, registrar } = sip;
  const trunks = sip.trunks.map(({ name, sources, tlsNames, users, limits, credentials }) => ({
    name,
    sources: [...sources],
    tlsNames: [...tlsNames],
    users: [...users],
    callsPerSecond: limits.callsPerSecond,
    concurrentCalls: limits.concurrentCalls,
    credentials: credentials && digestsOf(credentials),
  }));
  return { trunks, users: [...users], digest, guard: { ...guard, scanners: [...guard.scanners] }, registrar };
}

/** … and what of it may be replaced while it runs. */
export function edgeCredentialsOf({ sip }: Config): EdgeCredentials {
  const trunks = sip.trunks.map(({ name, credentials }) => [name, credentials && digestsOf(credentials)]);
  return { users: [...sip.users], trunks: Object.fromEntries(trunks) };
}

function digestsOf({ user, realm, secret, allowMd5 }: TrunkCredentials): TrunkPolicy['credentials'] {
  const ha1 = offered(allowMd5, false).map((algorithm) => [algorithm, ha1Of(algorithm, user, realm, secret)]);
  return { user, realm, ha1: Object.fromEntries(ha1) };
}
