import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { openNotifySocket } from '../support/notify-socket.ts';
import { type ServerProcess, startServerProcess, tryServerProcess } from '../support/server-process.ts';

const kCommand = fileURLToPath(new URL('../../bin/hushpay', import.meta.url));
const kConfigExit = 78;
let server: ServerProcess | undefined;

async function hushpay(args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const env = { ...process.env, ...environment };
  return promisify(execFile)(kCommand, args, { env }).then(
    ({ stdout, stderr }) => ({ exit: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({
      exit: code as number,
      stdout: stdout as string,
      stderr: stderr as string,
    }),
  );
}

function filesBelow(folder: string): Map<string, Buffer> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = entries.map(({ parentPath, name }) => join(parentPath, name)).toSorted();
  return new Map(paths.map((path) => [path, readFileSync(path)]));
}

afterEach(async () => {
  await server?.stop();
  server = undefined;
});

describe('hushpay serve', () => {
  it('takes calls, says what to dial and which page to open, and ends on SIGTERM', async () => {
    server = await startServerProcess();
    expect(server.output()).toMatch(
      /dial +sip:pay@127\.0\.0\.1:\d+;transport=udp\n.*transport=tcp\n +open +http:/,
    );
    const ready = await fetch(`${server.httpUrl}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([
      200,
      {
        ready: true,
        checks: {
          ...{ sip: { ok: true }, media: { ok: true }, store: { ok: true } },
          ...{ gateway: { ok: true }, 'open payments': { ok: true } },
        },
      },
    ]);
    expect(await server.stop()).toBe(0);
  });

  it('tells systemd when it takes calls, that it lives, and when it ends', async () => {
    const systemd = await openNotifySocket();
    server = await startServerProcess({ NOTIFY_SOCKET: systemd.path, WATCHDOG_USEC: '400000' });
    await expect.poll(() => systemd.messages.some((text) => text.startsWith('WATCHDOG=1'))).toBe(true);
    expect(systemd.messages[0]).toMatch(/^READY=1;STATUS=takes calls/);
    expect(await server.stop()).toBe(0);
    expect(systemd.messages.some((text) => text.startsWith('STOPPING=1'))).toBe(true);
    await systemd.close();
  });

  it('is asked by `hushpay health`, which says why there is no answer when it has ended', async () => {
    server = await startServerProcess();
    const where = { HUSHPAY_HTTP_PORT: new URL(server.httpUrl).port };
    expect(await hushpay(['health'], where)).toMatchObject({
      exit: 0,
      stdout: expect.stringMatching(/^takes calls\nok {2} sip\n/),
    });
    await server.stop();
    expect(await hushpay(['health'], where)).toMatchObject({
      exit: 70,
      stderr: expect.stringContaining('is not answered (ECONNREFUSED)'),
    });
  });

  it('ends in order on Ctrl-C, which its children do not see', async () => {
    server = await startServerProcess();
    server.signalGroup('SIGINT');
    expect(await server.ended).toBe(0);
    expect(server.output()).not.toMatch(/"level":"(error|warn)"/);
  });

  it('leaves no core file, nor do its children, and shows its secrets in no argument, and in no environment of a child', async () => {
    server = await startServerProcess({ HUSHPAY_API_KEY: 'whispered-to-control' });
    const children = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8')
      .trim()
      .split(' ');
    expect(children).toHaveLength(2);
    for (const pid of [server.pid, ...children]) {
      expect(readFileSync(`/proc/${pid}/limits`, 'utf8')).toMatch(/^Max core file size +0 /m);
      expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).not.toContain('whispered');
    }
    for (const pid of children)
      expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toMatch(/whispered|HUSHPAY_/);
    expect(server.output()).not.toContain('whispered');
  });

  it('starts again with the code an earlier start has compiled, and compiles what is damaged; its edge, which may write nothing, keeps none', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hushpay-compiled-'));
    const start = async () => {
      server = await startServerProcess({ CACHE_DIRECTORY: folder });
      await server.stop();
    };
    await start();
    const first = filesBelow(folder);
    const has = (word: string) => [...first.values()].some((content) => content.includes(word));
    expect([has('childStates'), has('EdgeServer')]).toEqual([true, false]); // a word of control's alone, and one of the edge's
    const [damaged = ''] = first.keys();
    writeFileSync(damaged, 'damaged');
    const before = new Map([...first.keys()].map((file) => [file, statSync(file).mtimeMs]));
    await start();
    const changed = [...filesBelow(folder).keys()].filter(
      (file) => statSync(file).mtimeMs !== before.get(file),
    );
    expect(changed).toEqual([damaged]);
    rmSync(folder, { recursive: true });
  });

  it('makes up an API key and prints it once where none is given', async () => {
    server = await startServerProcess({ HUSHPAY_API_KEY: undefined });
    const [, key = ''] = /key +(\S+)/.exec(server.output()) ?? [];
    expect(key).toMatch(/^[\w-]{20,}$/);
    const answer = await fetch(`${server.httpUrl}/v1/sessions/nobody`, {
      headers: { authorization: `Bearer ${key}` },
    });
    expect(answer.status).toBe(404);
    await server.stop();
    expect(server.output().split(key)).toHaveLength(2);
  });

  it('opens no inspector on SIGUSR1, and prints no SIP messages for whoever debugs packages', async () => {
    server = await startServerProcess({ DEBUG: '*' });
    server.signal('SIGUSR1');
    expect((await fetch(`${server.httpUrl}/livez`)).status).toBe(200);
    expect(await server.stop()).toBe(0);
    expect(server.output()).not.toMatch(/debugger|drachtio:/i);
  });
});

describe('hushpay refuses to start with exit code 78', () => {
  it.each<[string, NodeJS.ProcessEnv, RegExp]>([
    [
      'a key nobody knows',
      { HUSHPAY_SIP_PROT: '1' },
      /HUSHPAY_SIP_PROT\n +expected: .*\n +remedy: +did you mean/,
    ],
    [
      'a value out of bounds',
      { HUSHPAY_HTTP_PORT: '70000' },
      /http\.port \(HUSHPAY_HTTP_PORT\) = 70000\n +expected/,
    ],
    ['a prompt that is missing', { HUSHPAY_AUDIO_DIR: '/no/such/folder' }, /\/no\/such\/folder/],
    [
      'a certificate that cannot be read',
      {
        HUSHPAY_GATEWAY: '{"type":"rest","url":"https://127.0.0.1:1/"}',
        HUSHPAY_GATEWAY_CA_FILE: '/no/such.pem',
      },
      /gateway\.caFile \(HUSHPAY_GATEWAY_CA_FILE\) = '\/no\/such\.pem'\n +expected: .*ENOENT.*\n +remedy/,
    ],
    ['a file that is not there', { HUSHPAY_CONFIG: '/no/such.yaml' }, /HUSHPAY_CONFIG = \/no\/such\.yaml/],
    [
      'memory that could be shown in production',
      {
        HUSHPAY_PRODUCTION: '{"enabled":true,"allowSimulator":true}',
        NODE_DEBUG: 'x',
      },
      /NODE_DEBUG is set\n +remedy/,
    ],
    [
      'inspector, heap snapshots and TLS key logs in production',
      {
        HUSHPAY_PRODUCTION: '{"enabled":true,"allowSimulator":true}',
        NODE_OPTIONS: '--inspect=127.0.0.1:0 --heapsnapshot-signal=SIGUSR2 --tls-keylog=/dev/null',
        SSLKEYLOGFILE: '/dev/null',
      },
      /with --inspect\n.*\n.*with --heapsnapshot-signal\n.*\n.*with --tls-keylog\n.*\n.*SSLKEYLOGFILE is set/,
    ],
    [
      'the simulator in production',
      { HUSHPAY_PRODUCTION_ENABLED: 'true' },
      /gateway\.type.* = '?simulator'?\n +expected: +a real gateway/,
    ],
  ])('for %s', async (_, environment, words) => {
    const failed = await tryServerProcess(environment);
    expect(failed).toMatchObject({ exit: kConfigExit, output: expect.stringMatching(words) });
  });

  it.each(['HTTP', 'SIP'])('for a busy %s port', async (name) => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    try {
      const failed = await tryServerProcess({ [`HUSHPAY_${name}_PORT`]: String(port) });
      expect(failed).toMatchObject({
        exit: kConfigExit,
        output: expect.stringMatching(
          new RegExp(
            `${name.toLowerCase()}\\..*:${port}[\\s\\S]*another program[\\s\\S]*HUSHPAY_${name}_PORT`,
          ),
        ),
      });
    } finally {
      await new Promise((resolve) => other.close(resolve));
    }
  });
});

describe('a gateway that is down', () => {
  it('keeps the server from being ready, and is named', async () => {
    server = await startServerProcess({ HUSHPAY_GATEWAY: '{"type":"rest","url":"http://127.0.0.1:1/"}' });
    const ready = await fetch(`${server.httpUrl}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({
      ready: false,
      checks: { gateway: { ok: false }, sip: { ok: true } },
    });
    await server.stop();
    expect(server.output()).toMatch(/"level":"error".*the gateway does not answer/);
  });
});

describe('hushpay doctor', () => {
  const kAnywhere = { HUSHPAY_SIP_PORT: '0', HUSHPAY_HTTP_PORT: '0' };

  it('says in JSON what it looked at, and that a laboratory is well', async () => {
    const { exit, stdout } = await hushpay(['doctor', '--json'], kAnywhere);
    const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: { check: string; ok: boolean }[] };
    expect({ exit, ok, wrong: checks.filter((each) => !each.ok) }).toEqual({ exit: 0, ok: true, wrong: [] });
    const parts = [
      ...[
        'configuration',
        'secrets',
        'HTTP',
        'memory',
        'core files',
        'tracing',
        'swap',
        'unit of systemd',
        'programs',
      ],
      ...[
        'clock',
        'disk',
        'fdatasync',
        'SIP over udp',
        'SIP over tcp',
        'RTP',
        'HTTP port',
        'gateway',
        'prompts',
      ],
    ];
    expect(parts.filter((part) => !checks.some(({ check }) => check === part))).toEqual([]);
  });

  it('says what is wrong with a deployment, and what to do, line by line', async () => {
    const { exit, stdout } = await hushpay(['doctor'], {
      ...kAnywhere,
      HUSHPAY_GATEWAY: '{"type":"rest","url":"http://127.0.0.1:1/"}',
    });
    expect(exit).toBe(1);
    expect(stdout).toMatch(/^BAD {2}gateway: rest does not answer.*\n {7}do: \S/m);
    expect(stdout).toMatch(/\n\d+ well, \d+ to be known, [12] to be put right\n$/);
  });

  it('looks no further than a configuration that is wrong', async () => {
    const { exit, stdout } = await hushpay(['doctor', '--json'], { HUSHPAY_CONFIG: '/no/such.yaml' });
    expect([exit, JSON.parse(stdout)]).toMatchObject([
      1,
      { ok: false, checks: [{ check: 'configuration' }] },
    ]);
  });
});

describe('the command', () => {
  it('prints the configuration without its secrets', async () => {
    const { stdout } = await hushpay(['config'], { HUSHPAY_API_KEY: 'hunter2' });
    expect(stdout).toContain('key: "[set]"');
    expect(stdout).not.toContain('hunter2');
  });

  it('lists its commands, and refuses others', async () => {
    expect((await hushpay(['help'])).stdout).toMatch(/serve .*\n[\s\S]*doctor .*\n[\s\S]*config /);
    expect(await hushpay(['dance'])).toMatchObject({ exit: 64, stderr: expect.stringContaining('dance') });
  });
});
