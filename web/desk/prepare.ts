import type { ApiClient } from '../shared/http.ts';

/** `POST /v1/sessions`, as far as a desk fills it in. */
export interface Wanted {
  readonly topology: string;
  readonly customerId?: string;
  readonly reference?: string;
  readonly merchantId?: string;
  readonly amount?: string;
}

export interface PreparedAnswer {
  readonly id: string;
  readonly payUri: string;
  readonly roomUri: string | null;
}

/** Prepares a payment whose customer is identified: the agent knows who is on the line. */
export function prepare(api: ApiClient, wanted: Wanted): Promise<PreparedAnswer> {
  return api.post<PreparedAnswer>('/v1/sessions', { identified: true, ...wanted });
}
