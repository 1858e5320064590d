import { runTool } from './tool.ts';

interface DetectReport {
  readonly detections: readonly {
    readonly file: string;
    readonly channel?: number;
    readonly digit: string;
    readonly onsetMs: number;
  }[];
}

/** @returns 0, or 1 if a file could not be read. */
export async function detect(paths: readonly string[], json: boolean): Promise<number> {
  const { output, problems, code } = await runTool('detect', paths);
  process.stderr.write(problems);
  process.stdout.write(json ? output : detectTable(JSON.parse(output) as DetectReport));
  return code;
}

export function detectTable({ detections }: DetectReport): string {
  const rows = detections.map(
    ({ file, channel, digit, onsetMs }) =>
      `${digit}  ${(onsetMs / 1000).toFixed(3).padStart(9)} s  ${file}${channel ? `, channel ${channel}` : ''}\n`,
  );
  return rows.join('');
}
