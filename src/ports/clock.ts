/** Undoes a scheduled task. Calling it late or twice does nothing. */
export type Cancel = () => void;

/** Time, so that tests own it. Nothing in `call`, `dialog`, `dtmf` or `payment` reads another clock. */
export interface Clock {
  /** Milliseconds of CLOCK_MONOTONIC: the same clock as the media workers' times. */
  now(): number;
  /** The date on the wall, for records and card expiry. */
  date(): Date;
  /** Runs the task once after `delayMs`; never synchronously. */
  schedule(delayMs: number, task: () => void): Cancel;
}
