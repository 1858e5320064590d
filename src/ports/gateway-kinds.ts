import type { GatewayOperation } from './payment-gateway.ts';

/** What configuration must say for a kind of gateway, and where it is if configuration does not say. */
export interface GatewayKind {
  /** The gateway's own live address, or null where every merchant has another. */
  readonly home: string | null;
  readonly needs: readonly GatewayKey[];
  /** What it can do; a mapping of `rest` or `xml` says so itself. */
  readonly operations: readonly GatewayOperation[];
}

/** Keys under `gateway.` that kinds differ in. */
export type GatewayKey = 'url' | 'account' | 'user' | 'token';

const kEverything = [
  'sale',
  'authorize',
  'verify',
  'tokenize',
  'capture',
  'void',
  'refund',
] as const satisfies readonly GatewayOperation[];

export const kGatewayKinds = {
  simulator: { home: null, needs: [], operations: kEverything },
  rest: { home: null, needs: ['url'], operations: kEverything },
  xml: { home: null, needs: ['url'], operations: kEverything },
  'pay-connector': { home: null, needs: ['url', 'user', 'token'], operations: ['sale', 'tokenize'] },
  stripe: { home: 'https://api.stripe.com', needs: ['token'], operations: kEverything },
  adyen: { home: null, needs: ['url', 'account', 'token'], operations: kEverything },
  worldpay: {
    home: 'https://secure.worldpay.com',
    needs: ['account', 'user', 'token'],
    operations: kEverything,
  },
  authorizenet: { home: 'https://api.authorize.net', needs: ['user', 'token'], operations: kEverything },
  braintree: {
    home: 'https://api.braintreegateway.com',
    needs: ['account', 'user', 'token'],
    operations: kEverything,
  },
  cybersource: {
    home: 'https://api.cybersource.com',
    needs: ['account', 'user', 'token'],
    operations: kEverything,
  },
  nmi: { home: 'https://secure.networkmerchants.com', needs: ['token'], operations: kEverything },
} as const satisfies Readonly<Record<string, GatewayKind>>;

export type GatewayType = keyof typeof kGatewayKinds;
export const kGatewayTypes = Object.keys(kGatewayKinds) as [GatewayType, ...GatewayType[]];
