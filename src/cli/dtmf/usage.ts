export const kDtmfUsage = [
  'hushpay dtmf detect|audit [--json] FILE.wav|DIRECTORY…',
  'hushpay dtmf clamp [--json] [--mode noise|silence|tone] IN.wav OUT.wav | --dir IN OUT',
].join('\n       ');
