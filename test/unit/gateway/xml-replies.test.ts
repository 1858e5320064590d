import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HttpGateway } from '../../../src/gateway/http-gateway.ts';
import { type ReplyNode, xmlOf } from '../../../src/gateway/reply-node.ts';
import { startSimulatorServer } from '../../../src/gateway/simulator-server.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { kAdapters, openAdapter } from '../../support/gateway-adapters.ts';
import { cardOf, requestOf } from '../../support/payment-request.ts';
import { httpAnswer, type RawServer, startRawServer } from '../../support/raw-server.ts';
import { startRecordingProxy } from '../../support/recording-proxy.ts';

const kContext = { deadlineMs: 30_000, onFlushed: () => undefined };
const kApproved = '<PaymentResponse outcome="approved"><TransactionId>T-1</TransactionId></PaymentResponse>';

function parsed(text: string | Buffer): ReplyNode | undefined {
  return xmlOf({ status: 200, contentType: '', body: Buffer.from(text), cardMasked: true });
}

describe('an XML reply', () => {
  it('is read by path', () => {
    const xml = parsed(
      '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x.dtd"><a x="1"><b> t&amp;u </b><c>1</c><c><![CDATA[<2>]]></c></a>',
    );
    expect(xml?.text('/a@x')).toBe('1');
    expect(xml?.text('/a/b')).toBe('t&u');
    expect(xml?.list('/a/c').map((node) => node.text(''))).toEqual(['1', '<2>']);
    expect([
      xml?.text('/a'),
      xml?.text('/a/d'),
      xml?.text('/a@constructor'),
      xml?.has('/a/b'),
      xml?.has('/b'),
    ]).toEqual([undefined, undefined, undefined, true, false]);
  });

  const entities = Array.from(
    { length: 9 },
    (_, index) => `<!ENTITY e${index + 1} "${`&e${index};`.repeat(10)}">`,
  ).join('');
  it.each([
    ['an outside entity', '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'],
    ['an entity bomb', `<!DOCTYPE a [<!ENTITY e0 "lol">${entities}]><a>&e9;</a>`],
    ['an entity of its own', '<!DOCTYPE a [<!ENTITY ok "approved">]><a>&ok;</a>'],
    ['too many levels', '<a>'.repeat(40) + '</a>'.repeat(40)],
    ['too many elements', `<a>${'<b/>'.repeat(20_001)}</a>`],
    ['another charset', Buffer.from('<a>caf\u00e9</a>', 'latin1')],
    ['UTF-16', Buffer.from('\uFEFF<a/>', 'utf16le')],
    ['no end', '<a><b></b>'],
    ['two roots', '<a/><b/>'],
    ['JSON', '{"outcome":"approved"}'],
    ['nothing', ''],
  ])('is nothing with %s', (_title, text) => {
    expect(parsed(text)).toBeUndefined();
  });
});

describe.each(['xml', 'worldpay', 'nmi', 'braintree'])('%s, when a reply is hostile', (name) => {
  let server: RawServer;
  let body: string | Buffer;
  let gateway: HttpGateway;

  beforeEach(async () => {
    server = await startRawServer(
      (socket) => void socket.write(httpAnswer(200, body, { 'content-type': 'text/xml' })),
    );
    const adapter = kAdapters.find((each) => each.name === name);
    if (!adapter) throw new Error(`no adapter ${name}`);
    gateway = openAdapter(adapter, `http://127.0.0.1:${server.port}`, new FakeClock(), new FakeLog());
  });
  afterEach(async () => {
    await gateway.close();
    await server.close();
  });

  it.each([
    ['ten megabytes', Buffer.alloc(10 << 20, '<a>')],
    [
      'an entity bomb',
      '<!DOCTYPE a [<!ENTITY a "x"><!ENTITY b "&a;&a;&a;">]><PaymentResponse outcome="&b;"/>',
    ],
    ['an approval that is cut short', kApproved.slice(0, -5)],
    ['an approval of another root', `<x>${kApproved}</x>`],
  ])('it is unknown: %s', async (_title, reply) => {
    body = reply;
    expect(await gateway.submit(requestOf(), cardOf({ pan: '4242424242424242' }), kContext)).toMatchObject({
      kind: 'unknown',
    });
    expect(await gateway.query(requestOf())).toMatchObject({ kind: 'unknown' });
    expect(['pending', 'failed']).toContain(await gateway.reverse(requestOf()));
  });
});

describe('docs/gateway-xml.xsd', () => {
  it('names every element and attribute that is sent and answered, children in its order', async () => {
    const server = await startSimulatorServer({ port: 0, host: '127.0.0.1', clock: new FakeClock() });
    const proxy = await startRecordingProxy(server.url);
    const adapter = kAdapters.find((each) => each.name === 'xml');
    if (!adapter) throw new Error('no adapter');
    const gateway = openAdapter(adapter, proxy.url, new FakeClock(), new FakeLog());
    await gateway.submit(requestOf(), cardOf({ pan: '4242424242424242', postal: '90210' }), kContext);
    await gateway.query(requestOf());
    await gateway.reverse(requestOf());
    await gateway.followUp({
      kind: 'refund',
      payment: requestOf(),
      transactionId: 'SIM-1',
      captureId: null,
      last4: '4242',
      key: 'K2',
      amount: requestOf().amount,
      beforeMinor: 0,
    });
    await gateway.close();
    const bodies = proxy.take().map(({ body }) => body);
    await proxy.close();
    await server.close();
    expect(bodies).toHaveLength(4);
    const text = readFileSync(join(import.meta.dirname, '../../../docs/gateway-xml.xsd'), 'utf8');
    expect(parsed(text)?.has('/xs:schema')).toBe(true);
    for (const body of [...bodies, kApproved]) {
      const names = Array.from(body.matchAll(/<([A-Z]\w*)/g), ([, name = '']) => name);
      const attributes = Array.from(body.matchAll(/ ([a-z]\w*)="/gi), ([, name = '']) => name).filter(
        (name) => name !== 'encoding',
      );
      for (const name of names) expect(text).toContain(`<xs:element name="${name}"`);
      for (const name of attributes) expect(text).toContain(`<xs:attribute name="${name}"`);
      const order = (element: string) => {
        const start = text.indexOf(element);
        return Array.from(
          text.slice(start, text.indexOf('</xs:sequence>', start)).matchAll(/<xs:element name="(\w+)"/g),
          ([, name = '']) => name,
        );
      };
      const all = [...order('<xs:element name="PaymentRequest"'), ...order('<xs:complexType name="Card"')];
      const known = names.filter((name) => all.includes(name));
      const placed = (name: string) => all.lastIndexOf(name);
      const call = known.indexOf('Call');
      const inner = known.slice(known.indexOf('Card') + 1, call < 0 ? undefined : call);
      for (const run of [known.filter((name) => !inner.includes(name)), inner])
        expect(run).toEqual(run.toSorted((a, b) => placed(a) - placed(b)));
    }
  });
});
