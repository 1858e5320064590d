import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createMetrics } from '../../../src/telemetry/metrics.ts';
import { kWorkerFigures } from '../../support/worker-figures.ts';

const kOps = fileURLToPath(new URL('../../../ops', import.meta.url));
const kRules = join(kOps, 'prometheus/rules.yml');
const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
const withPromtool = it.skipIf(!hasPromtool);

interface Rules {
  readonly groups: readonly { readonly rules: readonly Rule[] }[];
}
interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
}
interface Board {
  readonly uid: string;
  readonly panels: readonly {
    readonly id: number;
    readonly targets?: readonly { readonly expr: string }[];
  }[];
}

const rules = (parse(readFileSync(kRules, 'utf8')) as Rules).groups.flatMap((group) => group.rules);
const boards = readdirSync(join(kOps, 'grafana')).map(
  (name) => JSON.parse(readFileSync(join(kOps, 'grafana', name), 'utf8')) as Board,
);
const boardExpressions = boards.flatMap(({ panels }) =>
  panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
);

/** Every family there can be: what is only counted by other processes is told once. */
async function everything(): Promise<string> {
  const metrics = createMetrics();
  metrics.child('sip-edge', { up: true, restarts: 1, isGivenUp: false });
  metrics.sessionEntered('ivr');
  metrics.mediaWorker('0', kWorkerFigures);
  metrics.sipEdge({
    messages: { 'in udp INVITE': 1, 'out udp 200': 1 },
    drops: { parse: 1 },
    ...{ retransmissions: 0, transactions: 0, dialogs: 0, timers: 0, applications: 1, bindings: 0, bans: 0 },
    callsByTrunk: { lab: 1 },
    memory: { rssBytes: 1, heapBytes: 1, heapLeftBytes: 1 },
  });
  return metrics.text();
}

function promtool(args: readonly string[], input?: string): string {
  const { status, stdout, stderr } = spawnSync('promtool', args, {
    encoding: 'utf8',
    ...(input !== undefined && { input }),
  });
  return status === 0 ? stderr : `${stdout}${stderr}`;
}

describe('metrics', () => {
  withPromtool('are clean to `promtool check metrics` (needs promtool)', async () => {
    expect(promtool(['check', 'metrics'], await everything())).toBe('');
  });

  it('have the names operators were promised', async () => {
    const text = await everything();
    const promised = [
      ...['payment_sessions_entered_total', 'payment_sessions_ended_total', 'payment_sessions_active'],
      ...['payment_attempts_total', 'payment_hangups_total', 'payment_session_duration_seconds'],
      ...['payment_amount_minor_units_total', 'payment_field_errors_total', 'payment_idv_total'],
      ...['payment_gateway_request_duration_seconds', 'payment_gateway_up', 'payment_unknown_outcomes_open'],
      ...['payment_reversals_total', 'payment_outbox_pending', 'payment_audit_failures_total'],
      'payment_log_scrubbed_total',
    ];
    expect(promised.filter((name) => !text.includes(`# TYPE ${name} `))).toEqual([]);
  });
});

describe('rules', () => {
  withPromtool('are clean and do what their tests say (needs promtool)', () => {
    expect(promtool(['check', 'rules', kRules])).toBe('');
    const run = execFileSync('promtool', ['test', 'rules', 'rules.test.yml'], {
      cwd: join(kOps, 'prometheus'),
      encoding: 'utf8',
    });
    expect(run).toContain('SUCCESS');
  });

  it('have a test of what raises each alert, and of what does not', () => {
    const { tests } = parse(readFileSync(join(kOps, 'prometheus/rules.test.yml'), 'utf8')) as {
      tests: { name: string }[];
    };
    const names = new Set(tests.map(({ name }) => name));
    const missing = rules
      .flatMap(({ alert }) => (alert === undefined ? [] : [`${alert} is raised`, `${alert} is not raised`]))
      .filter((name) => !names.has(name));
    expect(missing).toEqual([]);
  });
});

describe('rules and dashboards', () => {
  it('ask for nothing that is not measured or recorded', async () => {
    const families = [...(await everything()).matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(
      ([, name = '', type]) =>
        type === 'histogram' ? ['bucket', 'sum', 'count'].map((part) => `${name}_${part}`) : [name],
    );
    const known = new Set([...families, ...rules.flatMap(({ record }) => record ?? []), 'up']);
    const asked = [...rules.map(({ expr }) => expr), ...boardExpressions].flatMap(
      (expr) =>
        expr
          .replace(/"[^"]*"/g, '')
          .match(
            /\b(?:hushpay:[\w:]+|(?:payment|sip|media|rtp|dtmf|prompt|child|nodejs|process)_\w+|up)\b/g,
          ) ?? [],
    );
    expect(asked.length).toBeGreaterThan(60);
    expect([...new Set(asked)].filter((name) => !known.has(name))).toEqual([]);
  });

  withPromtool('are expressions that Prometheus reads (needs promtool)', () => {
    const directory = mkdtempSync(join(tmpdir(), 'hushpay-rules-'));
    const file = join(directory, 'dashboards.yml');
    const recorded = boardExpressions.map((expr, index) => ({ record: `panel:${index}`, expr }));
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'panels', rules: recorded }] }));
    const trouble = promtool(['check', 'rules', file]);
    rmSync(directory, { recursive: true });
    expect(trouble).toBe('');
  });

  it('are dashboards with names and panels of their own', () => {
    expect(new Set(boards.map(({ uid }) => uid)).size).toBe(2);
    for (const { panels } of boards) expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  });
});
