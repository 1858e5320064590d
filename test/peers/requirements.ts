import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const kRawSockets = 1n << 13n; // CAP_NET_RAW, capabilities(7)

/** Is there a program of this name. */
export function hasProgram(name: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;
}

/** SIPp plays captures through a raw socket. */
export function mayUseRawSockets(): boolean {
  const [, effective = '0'] =
    /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return (BigInt(`0x${effective}`) & kRawSockets) !== 0n;
}
