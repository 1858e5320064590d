export const kDtmfUsage = 'hushpay dtmf detect|audit [--json] FILE.wav|DIRECTORY…';
