import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Each datagram becomes one line. */
const kListener = `
  use IO::Socket::UNIX; use Socket qw(SOCK_DGRAM);
  $| = 1;
  my $socket = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ARGV[0]) or die "no socket: $!";
  print "listening\\n";
  while (defined($socket->recv(my $text, 4096))) { $text =~ s/\\n/;/g; print "$text\\n"; }
`;

/** The socket systemd gives to a service of Type=notify. Node has no datagram sockets of the Unix kind; perl, which every Debian has, does. */
export interface NotifySocket {
  readonly path: string;
  /** What came so far, the lines of a message joined by `;`. */
  readonly messages: readonly string[];
  close(): Promise<void>;
}

export async function openNotifySocket(): Promise<NotifySocket> {
  const path = join(mkdtempSync(join(tmpdir(), 'hushpay-notify-')), 'socket');
  const listener = spawn('perl', ['-e', kListener, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const messages: string[] = [];
  const lines = createInterface({ input: listener.stdout });
  await once(lines, 'line');
  lines.on('line', (line) => messages.push(line));
  return {
    path,
    messages,
    async close() {
      const closed = once(listener, 'close');
      listener.kill();
      await closed;
    },
  };
}
