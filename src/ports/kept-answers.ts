/** An answer to a request that carried an idempotency key. */
export interface KeptAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly location: string | null;
  readonly body: string;
}

/** Whose request it was and the key it carried. */
export interface RequestName {
  readonly caller: string;
  readonly key: string;
}

/** What is known of a request. */
export type KnownRequest =
  | { readonly kind: 'new' }
  /** Of another request, or of the same with another body. */
  | { readonly kind: 'another' }
  /** `isOurs`: this process works on it; else the one that did has died over it. */
  | { readonly kind: 'begun'; readonly isOurs: boolean }
  | { readonly kind: 'answered'; readonly answer: KeptAnswer };

/** The answers of a day, so that a request that is sent again is answered again, not done again. */
export interface KeptAnswers {
  /** Notes that it is begun, if it is new. @param digest - of method, path and body. @param at - ISO 8601, UTC. */
  begin(name: RequestName, digest: string, at: string): KnownRequest;
  finish(name: RequestName, answer: KeptAnswer): void;
  /** Nothing was done: the next one with this key is new. */
  forget(name: RequestName): void;
}
