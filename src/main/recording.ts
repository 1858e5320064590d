import type { RecordingSettings } from '../call/call-recorder.ts';
import type { Config } from '../config/config.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { MediaPlane } from '../ports/media.ts';
import type { RecordingSink } from '../ports/recording.ts';
import type { Signaling } from '../ports/signaling.ts';
import { FileSink } from '../recording/file-sink.ts';
import { SiprecSink } from '../recording/siprec-sink.ts';

/** Where the calls that are to be recorded go. @param undo - stops what was started. */
export async function recordingOf(
  { recording, media }: Config,
  deps: {
    readonly plane: MediaPlane;
    readonly signaling: Signaling;
    readonly clock: Clock;
    readonly log: Log;
  },
  undo: AsyncDisposableStack,
): Promise<RecordingSettings> {
  const { files, directory, keepDays, siprec, ...rules } = recording;
  const sinks: RecordingSink[] = [];
  if (rules.calls !== 'off' && files) {
    const sink = new FileSink({ directory, keepDays }, deps.plane, deps.clock, deps.log);
    await sink.start();
    undo.defer(() => sink.stop());
    sinks.push(sink);
  }
  if (rules.calls !== 'off' && siprec.server !== null) {
    const { server, ...options } = siprec;
    sinks.push(new SiprecSink({ server, ...options, advertised: media.advertise }, deps));
  }
  return { ...rules, sinks };
}
