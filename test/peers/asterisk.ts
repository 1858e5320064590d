import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/payment-lab.ts';

const kDirectories = [
  'astetcdir',
  'astvarlibdir',
  'astdbdir',
  'astkeydir',
  'astdatadir',
  'astagidir',
  'astspooldir',
  'astrundir',
  'astlogdir',
];
const kMediaPorts = { from: 47_000, to: 47_200 };

/** The Asterisk to test against, with chan_sip; it is in no package the set-up installs. */
export const kAsterisk = process.env['HUSHPAY_TEST_ASTERISK'] ?? '';

/** An Asterisk on loopback, with a directory of its own. */
export interface Asterisk {
  readonly host: string;
  readonly port: number;
  /** What it says in its log. */
  log(): string;
  stop(): Promise<void>;
}

/**
 * Starts it.
 * @param extensions - number or pattern, and the SIP URI without scheme that is dialled for it.
 */
export async function startAsterisk(extensions: Readonly<Record<string, string>>): Promise<Asterisk> {
  const home = mkdtempSync(join(tmpdir(), 'hushpay-asterisk-'));
  const port = await freePort();
  writeConfiguration(home, port, extensions);
  const child = spawn(kAsterisk, ['-f', '-C', join(home, 'asterisk.conf')], { stdio: 'ignore' });
  const log = (): string => readIfThere(join(home, 'full'));
  await until(() => log().includes('Asterisk Ready') || child.exitCode !== null, 'Asterisk');
  return { host: '127.0.0.1', port, log, stop: () => stop(child, home) };
}

async function stop(child: ChildProcess, home: string): Promise<void> {
  if (child.exitCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  rmSync(home, { recursive: true, force: true });
}

function writeConfiguration(home: string, port: number, extensions: Readonly<Record<string, string>>): void {
  const modules = process.env['HUSHPAY_TEST_ASTERISK_MODULES'];
  const directories = kDirectories.map((name) => `${name} => ${home}`);
  if (modules !== undefined) directories.push(`astmoddir => ${modules}`);
  mkdirSync(join(home, 'moh'));
  const dialplan = Object.entries(extensions).map(
    ([pattern, target]) => `exten => ${pattern},1,Dial(SIP/${target})`,
  );
  const files: Readonly<Record<string, readonly string[]>> = {
    'asterisk.conf': ['[directories]', ...directories, '[options]', 'verbose=4'],
    'modules.conf': ['[modules]', 'autoload=yes'],
    'logger.conf': ['[general]', '[logfiles]', 'full => notice,warning,error,verbose'],
    'rtp.conf': ['[general]', `rtpstart=${kMediaPorts.from}`, `rtpend=${kMediaPorts.to}`, 'strictrtp=no'],
    'extensions.conf': ['[general]', '[in]', ...dialplan],
    'sip.conf': [
      '[general]',
      `udpbindaddr=127.0.0.1:${port}`,
      'context=in',
      'allowguest=yes',
      'directmedia=no',
      'dtmfmode=rfc2833',
      'disallow=all',
      'allow=ulaw',
    ],
  };
  for (const [name, lines] of Object.entries(files)) writeFileSync(join(home, name), `${lines.join('\n')}\n`);
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
