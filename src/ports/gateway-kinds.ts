/** What configuration must say for a kind of gateway, and where it is if configuration does not say. */
export interface GatewayKind {
  /** The gateway's own live address, or null where every merchant has another. */
  readonly home: string | null;
  readonly needs: readonly GatewayKey[];
}

/** Keys under `gateway.` that kinds differ in. */
export type GatewayKey = 'url' | 'account' | 'user' | 'token';

export const kGatewayKinds = {
  simulator: { home: null, needs: [] },
  rest: { home: null, needs: ['url'] },
  xml: { home: null, needs: ['url'] },
  'pay-connector': { home: null, needs: ['url', 'user', 'token'] },
  stripe: { home: 'https://api.stripe.com', needs: ['token'] },
  adyen: { home: null, needs: ['url', 'account', 'token'] },
  worldpay: { home: 'https://secure.worldpay.com', needs: ['account', 'user', 'token'] },
  authorizenet: { home: 'https://api.authorize.net', needs: ['user', 'token'] },
  braintree: { home: 'https://api.braintreegateway.com', needs: ['account', 'user', 'token'] },
  cybersource: { home: 'https://api.cybersource.com', needs: ['account', 'user', 'token'] },
  nmi: { home: 'https://secure.networkmerchants.com', needs: ['token'] },
} as const satisfies Readonly<Record<string, GatewayKind>>;

export type GatewayType = keyof typeof kGatewayKinds;
export const kGatewayTypes = Object.keys(kGatewayKinds) as [GatewayType, ...GatewayType[]];
