import { parseSipUri } from '../sip/uri.ts';
import { defaultPort } from '../transport/flow.ts';
import type { Network } from '../transport/network.ts';
import type { Binding } from './binding.ts';
import type { Registrar } from './registrar.ts';

/**
 * The registered phone a URI of ours leads to: `sip:ann@` an address of ours, or `sip:ann@` the realm.
 * @returns undefined when the URI is of somebody else, or the user has no phone now.
 */
export function phoneOf(
  registrar: Registrar,
  network: Network,
  realm: string,
  uri: string,
): Binding | undefined {
  const parsed = parseSipUri(uri);
  const user = parsed?.user;
  if (!parsed || user === undefined) return undefined;
  const { host, port } = parsed;
  const isOurs =
    host === realm.toLowerCase() ||
    network.listening.some(({ transport }) => network.isOwn(transport, host, port ?? defaultPort(transport)));
  return isOurs ? registrar.find(Buffer.from(user, 'latin1').toString('utf8')) : undefined;
}
