import type { Meter } from '../../src/ports/meter.ts';

/** Counts nothing. */
export const kNoMeter: Meter = {
  callStarted: () => {},
  callEnded: () => {},
  callRefused: () => {},
  charged: () => {},
  sessionEntered: () => {},
  stageChanged: () => {},
  sessionEnded: () => {},
  attemptEnded: () => {},
  hungUp: () => {},
  identified: () => {},
  fieldError: () => {},
  keyPressed: () => {},
  recorded: () => {},
  legHeard: () => {},
};
