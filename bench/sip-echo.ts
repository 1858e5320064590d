// The floor under the SIP figures: answers every request but ACK with 200 by cutting its text, without parsing, transactions, timers or an
// application. Prints its UDP port.
import { createSocket } from 'node:dgram';

const kHeads = /^(?:Via|From|To|Call-ID|CSeq):[^\r\n]*\r\n/gim;
const kBufferBytes = 4_194_304;

const socket = createSocket({ type: 'udp4', recvBufferSize: kBufferBytes, sendBufferSize: kBufferBytes });
socket.on('message', (bytes, from) => {
  const text = bytes.toString('latin1');
  if (text.startsWith('ACK ')) return;
  const headers = (text.match(kHeads) ?? []).join('').replace(/^(To:[^\r\n;]*)\r/m, '$1;tag=echo\r');
  const { port } = socket.address();
  const body = text.startsWith('INVITE ') ? text.slice(text.indexOf('\r\n\r\n') + 4) : '';
  const type = body === '' ? '' : 'Content-Type: application/sdp\r\n';
  const answer = `SIP/2.0 200 OK\r\n${headers}Contact: <sip:127.0.0.1:${port}>\r\n${type}Content-Length: ${body.length}\r\n\r\n${body}`;
  socket.send(Buffer.from(answer, 'latin1'), from.port, from.address);
});
socket.bind(0, '127.0.0.1', () => console.log(String(socket.address().port)));
process.on('SIGTERM', () => process.exit());
