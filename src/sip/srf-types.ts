import type { Dialog, SrfRequest, SrfResponse } from 'drachtio-srf';

/** Parts of drachtio-srf 5.0.29 that its own type file leaves out or gets wrong. */
export interface Sendable {
  send(status: number, options?: { headers?: Record<string, string>; body?: string }): void;
}

export interface DialogOf extends Omit<Dialog, 'request' | 'destroy'> {
  handle(req: SrfRequest, res: Sendable): void;
  request(options: { method: string; headers?: Record<string, string>; body?: string }): Promise<SrfResponse>;
  destroy(options: { headers: Record<string, string> }, callback: (error: unknown) => void): void;
}
