import { readFileSync } from 'node:fs';
import { type EdgeHandle, launchEdge } from '../../src/edge/launcher.ts';
import type { EdgeConfig } from '../../src/edge/protocol.ts';
import { kSystemClock } from '../../src/process/system-clock.ts';
import { FakeLog } from './fake-log.ts';

export const kEdgeSecret = 'only-for-tests';

/** An edge process of its own, as in production. */
export class EdgeProcessUnderTest {
  readonly edge: EdgeHandle;
  readonly log: FakeLog;

  private constructor(edge: EdgeHandle, log: FakeLog) {
    this.edge = edge;
    this.log = log;
  }

  static async launch(over: Partial<EdgeConfig> = {}): Promise<EdgeProcessUnderTest> {
    const log = new FakeLog();
    const config: EdgeConfig = {
      listen: [{ transport: 'udp', host: '127.0.0.1', port: 0 }],
      secret: kEdgeSecret,
      allowFrom: ['127.0.0.0/8'],
      externalHost: null,
      ...over,
    };
    return new EdgeProcessUnderTest(await launchEdge(config, kSystemClock, log), log);
  }

  get udp(): { host: string; port: number } {
    const port = this.edge.listen.find(({ transport }) => transport === 'udp')?.port ?? 0;
    return { host: '127.0.0.1', port };
  }

  get pid(): number {
    const line = this.log.lines.findLast(({ message }) => message === 'child process is up');
    return Number(line?.fields['pid']);
  }

  get rssMb(): number {
    const rss = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1];
    return Number(rss) / 1024;
  }

  /** Started once, and nothing has gone wrong since. */
  get isUnharmed(): boolean {
    const starts = this.log.lines.filter(({ message }) => message === 'child process is up');
    return starts.length === 1 && !this.log.lines.some(({ level }) => level === 'error');
  }
}
