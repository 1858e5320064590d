import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { encodeG711 } from '../../phone/g711.ts';
import type { RtpPacket } from '../../phone/rtp-packet.ts';
import { dtmfTone } from '../../phone/tones.ts';
import type { AuditReport } from '../dtmf/audit-report.ts';
import type { Place } from './places.ts';
import { kPcmuType, wavOfPcmu } from './wav.ts';

const kTool = fileURLToPath(new URL('../../../build/native/hushpay-dtmf', import.meta.url));
const kSilence = new Uint8Array(8000).fill(0xff);

/** What agents heard, searched for telephone-events, and by the auditor for presses and pieces of them. */
export async function searchAudio(
  heard: readonly (readonly RtpPacket[])[],
  folder: string,
): Promise<readonly Place[]> {
  const places: Place[] = [];
  for (const [index, packets] of heard.entries()) {
    const audio = packets
      .filter(({ payloadType }) => payloadType === kPcmuType)
      .map(({ payload }) => payload);
    const others = packets.length - audio.length;
    const found = new Map(await tonesIn(Buffer.concat(audio), join(folder, `agent-${index}.wav`)));
    if (others > 0) found.set('packets that are no audio', others);
    places.push({ where: 'what an agent heard', bytes: audio.length * 160, found });
  }
  return places;
}

/** The same for a press nobody kept from the line: it has to be found. */
export async function searchPress(folder: string): Promise<Place> {
  const press = encodeG711('PCMU', dtmfTone(5, { durationMs: 60 }));
  const bytes = Buffer.concat([kSilence, press, kSilence]);
  return {
    where: 'a key press in a recording',
    bytes: bytes.length,
    found: await tonesIn(bytes, join(folder, 'control.wav')),
  };
}

async function tonesIn(pcmu: Buffer, file: string): Promise<ReadonlyMap<string, number>> {
  writeFileSync(file, wavOfPcmu(pcmu));
  const report = await audited(file);
  const findings = report.recordings.flatMap((recording) => recording.findings);
  const sure = findings.filter(({ sureness }) => sureness !== 'possible').length;
  return new Map(sure > 0 ? [['presses or pieces of them', sure]] : []);
}

/** It exits with 1 when it has found something. */
async function audited(file: string): Promise<AuditReport> {
  const { stdout } = await promisify(execFile)(kTool, ['audit', file]).catch((error: { stdout?: string }) => {
    if (error.stdout) return { stdout: error.stdout };
    throw error;
  });
  return JSON.parse(stdout) as AuditReport;
}
