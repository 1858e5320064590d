import { describe } from 'vitest';
import { startDrachtio } from '../../support/sip-server.ts';
import { sipServerSuite } from '../../support/sip-server-suite.ts';

const kBinary = process.env['HUSHPAY_TEST_DRACHTIO'];

describe.skipIf(!kBinary)('with a drachtio-server (needs HUSHPAY_TEST_DRACHTIO=path of its program)', () =>
  sipServerSuite(() => startDrachtio(kBinary ?? '')),
);
