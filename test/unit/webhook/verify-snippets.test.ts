import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signatureOf } from '../../../src/webhook/signature.ts';

const kPage = readFileSync(new URL('../../../docs/webhooks.md', import.meta.url), 'utf8');
const kNow = new Date('2026-11-22T12:00:00Z');
const kBody = '{"type":"payment.completed","note":"ä"}';
const kSeconds = kNow.getTime() / 1000;

/** How a snippet of the page becomes a program that exits with 0 for what is from hushpay. */
const kPrograms = {
  js: (code: string) => ({
    file: 'verify.mjs',
    text: `${code}\nconst [signature, body, secret, now] = process.argv.slice(2);\nprocess.exit(isFromHushpay(signature, body, secret, Number(now)) ? 0 : 1);\n`,
    command: process.execPath,
  }),
  python: (code: string) => ({
    file: 'verify.py',
    text: `${code}\nimport sys\nsys.exit(0 if is_from_hushpay(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])) else 1)\n`,
    command: 'python3',
  }),
  perl: (code: string) => ({
    file: 'verify.pl',
    text: `use strict; use warnings;\n${code}\nexit(is_from_hushpay(@ARGV) ? 0 : 1);\n`,
    command: 'perl',
  }),
};

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'hushpay-verify-'));
});

afterAll(() => rmSync(directory, { recursive: true }));

function accepts(language: keyof typeof kPrograms, signature: string, secret: string): boolean {
  const code = new RegExp(`\`\`\`${language}\n(?<code>.*?)\n\`\`\``, 's').exec(kPage)?.groups?.['code'];
  if (code === undefined) throw new Error(`docs/webhooks.md has no snippet in ${language}`);
  const { file, text, command } = kPrograms[language](code);
  writeFileSync(join(directory, file), text);
  const { status, stderr } = spawnSync(
    command,
    [join(directory, file), signature, kBody, secret, String(kSeconds)],
    {
      encoding: 'utf8',
    },
  );
  expect(stderr).toBe('');
  return status === 0;
}

describe.each(['js', 'python', 'perl'] as const)('the snippet in %s', (language) => {
  it('takes what hushpay signed, also while the secret is replaced', () => {
    expect(accepts(language, signatureOf(kBody, ['whisper'], kNow), 'whisper')).toBe(true);
    expect(accepts(language, signatureOf(kBody, ['new', 'whisper'], kNow), 'whisper')).toBe(true);
  });

  it('refuses another secret, another body, an old message, and nonsense', () => {
    const old = new Date(kNow.getTime() - 301_000);
    expect(accepts(language, signatureOf(kBody, ['whisper'], kNow), 'shout')).toBe(false);
    expect(accepts(language, signatureOf(`${kBody} `, ['whisper'], kNow), 'whisper')).toBe(false);
    expect(accepts(language, signatureOf(kBody, ['whisper'], old), 'whisper')).toBe(false);
    expect(accepts(language, `t=${kSeconds},v1=00`, 'whisper')).toBe(false);
  });
});
