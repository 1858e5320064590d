import { kExit } from '../command.ts';
import { type AuditReport, auditText, summaryOf } from './audit-report.ts';
import { runTool } from './tool.ts';

/** A file that could not be read is not a clean one (EX_DATAERR of sysexits.h). */
const kUnreadable = 65;

/** @returns 0 if every recording was read and is clean, 1 if one holds a press or a fragment, else 65. */
export async function audit(paths: readonly string[], json: boolean): Promise<number> {
  const { output } = await runTool('audit', paths);
  const report = JSON.parse(output) as AuditReport;
  const summary = summaryOf(report);
  process.stdout.write(json ? `${JSON.stringify({ ...report, summary })}\n` : auditText(report));
  if (summary.presses + summary.fragments > 0) return kExit.failed;
  return report.unreadable.length > 0 || summary.recordings === 0 ? kUnreadable : kExit.ok;
}
