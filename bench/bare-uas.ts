// The floor under the SIP figures: hushpay's edge with an application that answers, waits and hangs up nothing: no media, no
// conversation, no record. Prints its UDP port and the edge's process id when it takes calls.
import Srf from 'drachtio-srf';
import { launchEdge } from '../src/edge/launcher.ts';
import type { Log } from '../src/ports/log.ts';
import { kSystemClock } from '../src/process/system-clock.ts';

const kAnswer = [
  'v=0',
  'o=floor 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 9 RTP/AVP 0',
  'a=rtpmap:0 PCMU/8000',
  '',
].join('\r\n');

const silent: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silent,
} as Log;

const secret = 'floor';
const edge = await launchEdge(
  {
    listen: [{ transport: 'udp', host: '127.0.0.1', port: 0 }],
    secret,
    allowFrom: ['127.0.0.0/8'],
    externalHost: null,
  },
  kSystemClock,
  silent,
);
const srf = new Srf();
srf.connect({ host: '127.0.0.1', port: edge.appPort, secret });
srf.on('connect', () => console.log(String(edge.listen[0]?.port)));
srf.invite((req, res) => {
  srf.createUAS(req, res, { localSdp: kAnswer }).then(
    (dialog) => dialog.on('destroy', () => {}),
    () => {},
  );
});
process.on('SIGTERM', () => void edge.stop().then(() => process.exit()));
