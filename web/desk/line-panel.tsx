import { plain, timeOfDay } from '../shared/format.ts';
import { ScrollBox } from '../shared/scroll-box.tsx';
import type { StreamEvent } from '../shared/stream-event.ts';
import type { Payment } from './payment.ts';
import { errorWords } from './words.ts';

const kMostShown = 40;

/** Who is on the line, and what has happened. */
export function LinePanel({ payment }: { readonly payment: Payment }) {
  const { parties, dialling, log, agentHears, phase } = payment;
  return (
    <section class="panel line" aria-label="On the line">
      <header>
        <h2>On the line</h2>
        {phase !== 'ended' && parties.includes('agent') && (
          <span class="muted small">
            You hear {agentHears === 'all but keys' ? 'everything but keys' : agentHears}
          </span>
        )}
      </header>
      <ul class="row parties">
        {parties.length + dialling.length === 0 && <li class="muted small">Nobody</li>}
        {parties.map((role, at) => (
          <li key={`${role}${at}`} class="badge good">
            {plain(role)}
          </li>
        ))}
        {dialling.map((role, at) => (
          <li key={`dialling${role}${at}`} class="badge warn">
            Calling {role}
          </li>
        ))}
      </ul>
      <details open={phase === 'ended'}>
        <summary>What happened</summary>
        <ScrollBox label="What happened" isTall>
          <ol class="log">
            {log
              .slice(-kMostShown)
              .toReversed()
              .map((event, at) => (
                <li key={log.length - at}>
                  <time dateTime={event.at}>{timeOfDay(event.at)}</time> {lineOf(event)}
                </li>
              ))}
          </ol>
        </ScrollBox>
      </details>
    </section>
  );
}

function lineOf(event: StreamEvent): string {
  const text = (name: string) => String(event[name] ?? '');
  switch (event.type) {
    case 'prepared':
      return 'Prepared';
    case 'started':
      return 'Payment begun';
    case 'dialling':
      return `Calling the ${text('role')}`;
    case 'joined':
      return `${plain(text('role'))} on the line`;
    case 'left':
      return `${plain(text('role'))} left`;
    case 'not_reached':
      return `${plain(text('role'))} not reached (${text('status')})`;
    case 'stage':
      return plain(text('stage'));
    case 'field_error':
      return errorWords({ field: text('field'), reason: text('error') });
    case 'secure_mode':
      return event['on'] === true ? 'Secure mode on' : 'Secure mode off';
    case 'attempt':
      return `Bank: ${text('outcome')}`;
    case 'action':
      return `Action: ${text('action')}`;
    case 'ended':
      return `Result: ${text('result')}`;
    case 'resolved':
      return `Settled: ${text('resolution')}`;
    default:
      return event.type;
  }
}
