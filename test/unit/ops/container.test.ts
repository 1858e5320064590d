import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const kFile = fileURLToPath(new URL('../../../ops/container/Containerfile', import.meta.url));

/** Instructions with their continued lines joined, comments left out. */
const kInstructions = readFileSync(kFile, 'utf8')
  .split('\n')
  .filter((line) => !line.startsWith('#'))
  .join('\n')
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => ({ word: line.split(' ')[0] ?? '', rest: line.slice(line.indexOf(' ') + 1) }));

/** Those of the stage that is shipped. */
const kShipped = kInstructions.slice(kInstructions.findLastIndex(({ word }) => word === 'FROM'));
const all = (word: string) => kShipped.filter((each) => each.word === word).map(({ rest }) => rest);

describe('the container file', () => {
  it('ends as a user without rights, by number so that an orchestrator can tell', () => {
    expect(all('USER').at(-1)).toMatch(/^[1-9]\d+:[1-9]\d+$/);
    const afterUser = kShipped.slice(kShipped.findLastIndex(({ word }) => word === 'USER') + 1);
    expect(afterUser.filter(({ word }) => ['RUN', 'COPY', 'ADD'].includes(word))).toEqual([]);
  });

  it('ships what runs and no compiler', () => {
    const installed = all('RUN').join(' ');
    expect(installed).toContain('--no-install-recommends');
    expect(installed).not.toMatch(/g\+\+|cmake|nodejs|npm|git\b/);
    expect(all('COPY')).toEqual(['--from=build /opt/hushpay /opt/hushpay']);
  });

  it('brings no secret and fetches from no address', () => {
    const environment = kInstructions.filter(({ word }) => ['ENV', 'ARG'].includes(word));
    expect(environment.map(({ rest }) => rest).join(' ')).not.toMatch(/KEY|SECRET|PASSWORD|TOKEN/);
    expect(kInstructions.filter(({ word }) => word === 'ADD')).toEqual([]);
    expect(kInstructions.some(({ rest }) => /https?:|curl|wget/.test(rest))).toBe(false);
  });

  it('names its base, says how it is, ends on SIGTERM, and leaves orphans to an init', () => {
    expect(
      kInstructions.filter(({ word }) => word === 'FROM').every(({ rest }) => /:[^\s]+/.test(rest)),
    ).toBe(true);
    expect(all('HEALTHCHECK').join()).toContain('"/opt/hushpay/bin/hushpay", "health"');
    expect(all('STOPSIGNAL')).toEqual(['SIGTERM']);
    expect(all('ENTRYPOINT').join()).toContain('tini');
  });
});
