// The bare application of the SIP figures, the same for every server. `sip-app.ts PORT SECRET` answers calls;
// `sip-app.ts PORT SECRET URI` connects each to that URI. Prints a line when it takes calls.
import Srf from 'drachtio-srf';

const kSdp = [
  'v=0',
  'o=bare 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 9 RTP/AVP 0',
  'a=rtpmap:0 PCMU/8000',
  '',
].join('\r\n');

const [port = '', secret = '', target] = process.argv.slice(2);
const srf = new Srf();
srf.on('error', () => {});
srf.invite((req, res) => {
  if (target === undefined) {
    srf.createUAS(req, res, { localSdp: kSdp }).then(
      (dialog) => dialog.on('destroy', () => {}),
      () => {},
    );
    return;
  }
  srf.createB2BUA(req, res, target, {}).then(
    ({ uas, uac }) => {
      uas.other = uac;
      uac.other = uas;
      for (const dialog of [uas, uac]) {
        dialog.on('destroy', () => void Promise.resolve(dialog.other?.destroy()).catch(() => {}));
      }
    },
    () => {},
  );
});
srf.on('connect', () => setTimeout(() => console.log('ready'), 200)); // its routes are on their way
srf.connect({ host: '127.0.0.1', port: Number(port), secret });
process.on('SIGTERM', () => process.exit());
