import { describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { tryServerProcess } from '../support/server-process.ts';
import { startLoneEdge } from '../support/sip-server.ts';
import { sipServerSuite } from '../support/sip-server-suite.ts';

describe('with an edge started on its own for a drachtio-server', () => sipServerSuite(startLoneEdge));

it('names the place where no SIP server is, and what to do', async () => {
  const port = await freePort();
  const failed = await tryServerProcess({ HUSHPAY_SIP_SERVER: `drachtio://:hunter2@127.0.0.1:${port}` });
  expect(failed).toMatchObject({
    exit: 70,
    output: expect.stringMatching(
      new RegExp(
        `sip\\.server: no SIP server answers at 127\\.0\\.0\\.1:${port} \\(ECONNREFUSED\\)\\. Start it .*HUSHPAY_SIP_SERVER.*SIP_UNREACHABLE`,
      ),
    ),
  });
  expect(failed).not.toMatchObject({ output: expect.stringContaining('hunter2') });
});
