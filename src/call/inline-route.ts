import type { IncomingCall, TrunkRights } from '../ports/signaling.ts';

/** Calls that pass through us on their way. */
export interface InlineRoute {
  /** A called number or name; one that ends in `*` stands for all that begin so. */
  readonly dialled: string;
  /** Trunk the calls come by; null: any. */
  readonly from: string | null;
  /** SIP URI they go to; `{dialled}` is what was dialled. */
  readonly target: string;
  /** Trunk the other leg belongs to. */
  readonly through: string;
  /** Who of the two pays. */
  readonly customer: 'caller' | 'callee';
}

export interface FoundRoute {
  readonly route: InlineRoute;
  readonly target: string;
  readonly trunk: TrunkRights;
}

/** The first route that fits a call; undefined: it does not pass through. */
export function findRoute(
  routes: readonly InlineRoute[],
  trunks: readonly TrunkRights[],
  { dialled, trunk }: Pick<IncomingCall, 'dialled' | 'trunk'>,
): FoundRoute | undefined {
  const route = routes.find(
    ({ from, dialled: pattern }) => (from === null || from === trunk.name) && fits(pattern, dialled),
  );
  const through = trunks.find(({ name }) => name === route?.through);
  if (!route || !through) return undefined;
  return { route, trunk: through, target: route.target.replaceAll('{dialled}', () => dialled) };
}

function fits(pattern: string, dialled: string): boolean {
  if (!pattern.endsWith('*')) return pattern === dialled;
  return dialled !== '' && dialled.startsWith(pattern.slice(0, -1));
}
