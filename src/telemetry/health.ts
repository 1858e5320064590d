export type HealthState =
  | { readonly ok: true; readonly detail?: string }
  | { readonly ok: false; readonly reason: string };
export type HealthCheck = () => HealthState | Promise<HealthState>;

export interface HealthReport {
  /** Calls can be taken. */
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, HealthState>>;
}

const kSlowestCheckMs = 2000;

/** What has to be well before calls can be taken. Filled at start by `main`, asked by /readyz. */
export class Health {
  readonly #checks = new Map<string, HealthCheck>();
  #draining = false;

  /** @param name - what /readyz calls it, such as `sip`, `media`, `gateway`. */
  add(name: string, check: HealthCheck): void {
    this.#checks.set(name, check);
  }

  /** From now on not ready: running calls go on, new ones go elsewhere. */
  drain(): void {
    this.#draining = true;
  }

  get draining(): boolean {
    return this.#draining;
  }

  async report(): Promise<HealthReport> {
    const states = await Promise.all(
      [...this.#checks].map(async ([name, check]) => [name, await settled(check)] as const),
    );
    if (this.#draining) states.push(['drain', { ok: false, reason: 'the server is stopping' }]);
    return { ready: states.every(([, state]) => state.ok), checks: Object.fromEntries(states) };
  }
}

/** A check that throws or hangs is a check that fails. */
async function settled(check: HealthCheck): Promise<HealthState> {
  const late = Promise.withResolvers<HealthState>();
  const timer = setTimeout(
    () => late.resolve({ ok: false, reason: `no answer in ${kSlowestCheckMs} ms` }),
    kSlowestCheckMs,
  );
  try {
    return await Promise.race([Promise.resolve().then(check), late.promise]);
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : 'the check failed' };
  } finally {
    clearTimeout(timer);
  }
}
