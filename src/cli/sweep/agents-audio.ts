import { execFile } from 'node:child_process';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { encodeG711 } from '../../phone/g711.ts';
import { eventPayload, type RtpPacket } from '../../phone/rtp-packet.ts';
import { dtmfTone } from '../../phone/tones.ts';
import type { AuditReport } from '../dtmf/audit-report.ts';
import type { Place } from './places.ts';
import { kPcmuType, wavOfPcmu } from './wav.ts';

const kTool = fileURLToPath(new URL('../../../build/native/hushpay-dtmf', import.meta.url));
const kSilence = new Uint8Array(8000).fill(0xff);
const kEventType = 101;
const kEventDurationTs = 480;

/** What agents heard, searched for telephone-events, and by the auditor for presses and pieces of them. */
export async function searchAudio(
  heard: readonly (readonly RtpPacket[])[],
  folder: string,
): Promise<readonly Place[]> {
  return eachAtOnce([...heard.entries()], ([index, packets]) =>
    searchPackets('what an agent heard', packets, join(folder, `agent-${index}.wav`)),
  );
}

/** What was recorded of the calls, searched by the auditor; as bytes, other files are searched for as well. */
export function searchRecordings(folder: string): Promise<readonly Place[]> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.wav'),
  );
  return eachAtOnce(files, async (name) => {
    const file = join(folder, name);
    return { where: 'the recording of a call', bytes: statSync(file).size, found: await tonesInFile(file) };
  });
}

/** As many at a time as there are processors. */
async function eachAtOnce<T>(
  all: readonly T[],
  search: (one: T) => Promise<Place>,
): Promise<readonly Place[]> {
  const waiting = [...all];
  const places: Place[] = [];
  const auditor = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      places.push(await search(next));
  };
  await Promise.all(Array.from({ length: availableParallelism() }, auditor));
  return places;
}

async function searchPackets(where: string, packets: readonly RtpPacket[], file: string): Promise<Place> {
  const audio = packets.filter(({ payloadType }) => payloadType === kPcmuType).map(({ payload }) => payload);
  const others = packets.length - audio.length;
  const bytes = Buffer.concat(audio);
  const found = new Map(await tonesIn(bytes, file));
  if (others > 0) found.set('packets that are no audio', others);
  return { where, bytes: bytes.length, found };
}

/** The same for presses nobody kept from the line, as a tone and as a telephone-event: each has to be found. */
export async function searchPresses(folder: string): Promise<readonly Place[]> {
  const silence = packetOf(Buffer.concat([kSilence, kSilence]));
  const press = encodeG711('PCMU', dtmfTone(5, { durationMs: 60 }));
  const event = { ...packetOf(eventPayload(5, true, kEventDurationTs)), payloadType: kEventType };
  return [
    await searchPackets(
      'a key press in a recording',
      [packetOf(Buffer.concat([kSilence, press, kSilence]))],
      join(folder, 'tone.wav'),
    ),
    await searchPackets('a telephone-event among audio', [silence, event], join(folder, 'event.wav')),
  ];
}

function packetOf(payload: Uint8Array): RtpPacket {
  return { payloadType: kPcmuType, marker: false, sequence: 0, timestamp: 0, ssrc: 0, payload, atMs: 0 };
}

function tonesIn(pcmu: Buffer, file: string): Promise<ReadonlyMap<string, number>> {
  writeFileSync(file, wavOfPcmu(pcmu));
  return tonesInFile(file);
}

async function tonesInFile(file: string): Promise<ReadonlyMap<string, number>> {
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
