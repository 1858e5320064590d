/**
 * A process of its own that writes to a store: `store-child.ts FILE hold` journals one attempt, says so and waits to be killed;
 * `store-child.ts FILE fill` opens sessions until the disk refuses and prints the error.
 */
import { AppError } from '../../src/errors.ts';
import { openStore } from '../../src/store/store.ts';
import { FakeLog } from './fake-log.ts';
import { attemptOf, sessionOf } from './records.ts';

const kManyRows = 100_000;

const [file = '', task] = process.argv.slice(2);
const store = openStore({ file, log: new FakeLog() });

if (task === 'hold') {
  store.open(sessionOf());
  store.begin(attemptOf());
  console.log('begun');
  setInterval(() => undefined, 60_000);
} else {
  try {
    for (let row = 0; row < kManyRows; row++)
      store.open(sessionOf({ sessionId: `S${row}`, paymentRef: `P${row}` }));
  } catch (error) {
    const code = error instanceof AppError ? error.code : 'not an AppError';
    console.log(JSON.stringify({ code, message: String(error), health: store.check() }));
  }
}
