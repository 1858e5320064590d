/** One command of `hushpay`, in a file of its own. */
export interface Command {
  /** How it is called, without `hushpay`. */
  readonly usage: string;
  /** What it does, as `hushpay help` says it. */
  readonly sentence: string;
  /** @returns the exit code. */
  run(args: readonly string[]): Promise<number>;
}

/** Exit codes of sysexits.h. */
export const kExit = { ok: 0, failed: 1, usage: 64, unavailable: 69, internal: 70, config: 78 } as const;
