import { describe, expect, test } from 'vitest';
import { type Dns, locate, type NaptrRecord } from '../../../../src/edge/resolve/locate.ts';
import type { LocateQuery } from '../../../../src/edge/resolve/target.ts';
import type { SrvRecord } from '../../../../src/edge/resolve/weighted-order.ts';
import type { TransportName } from '../../../../src/edge/transport/flow.ts';

interface Zone {
  readonly naptr?: Readonly<Record<string, readonly NaptrRecord[]>>;
  readonly srv?: Readonly<Record<string, readonly SrvRecord[]>>;
  readonly addresses?: Readonly<Record<string, readonly string[]>>;
}

class ZoneDns implements Dns {
  readonly asked: string[] = [];
  readonly #zone: Zone;

  constructor(zone: Zone) {
    this.#zone = zone;
  }

  naptr(name: string): Promise<readonly NaptrRecord[]> {
    this.asked.push(`naptr ${name}`);
    return Promise.resolve(this.#zone.naptr?.[name] ?? []);
  }

  srv(name: string): Promise<readonly SrvRecord[]> {
    this.asked.push(`srv ${name}`);
    return Promise.resolve(this.#zone.srv?.[name] ?? []);
  }

  addresses(name: string): Promise<readonly string[]> {
    this.asked.push(`address ${name}`);
    return Promise.resolve(this.#zone.addresses?.[name] ?? []);
  }
}

function naptr(service: string, replacement: string, order = 10, preference = 10): NaptrRecord {
  return { flags: 's', service, replacement, order, preference };
}

function srv(name: string, priority = 10, weight = 0, port = 5060): SrvRecord {
  return { name, port, priority, weight };
}

const kHost = 'pbx.test';
const kAll: readonly TransportName[] = ['udp', 'tcp', 'tls', 'ws'];

async function find(
  over: Partial<LocateQuery>,
  zone: Zone,
  transports: readonly TransportName[] = kAll,
): Promise<{ found: string[]; asked: string[] }> {
  const dns = new ZoneDns(zone);
  const query = { host: kHost, port: undefined, transport: undefined, secure: false, ...over };
  const targets = await locate(query, { dns, transports, random: () => 0 });
  return {
    found: targets.map(({ transport, host, port }) => `${transport} ${host} ${port}`),
    asked: dns.asked,
  };
}

const kAddresses = {
  [kHost]: ['192.0.2.1'],
  'a.test': ['192.0.2.2'],
  'b.test': ['192.0.2.3', '2001:db8::3'],
};

describe('where a request goes (RFC 3263 section 4)', () => {
  test('a numeric host needs no question', async () => {
    const { found, asked } = await find({ host: '192.0.2.9' }, {});
    expect([found, asked]).toEqual([['udp 192.0.2.9 5060'], []]);
  });

  test('with a port only the address is asked for', async () => {
    const { found, asked } = await find({ port: 5070, transport: 'udp' }, { addresses: kAddresses });
    expect([found, asked]).toEqual([['udp 192.0.2.1 5070'], [`address ${kHost}`]]);
  });

  test('NAPTR says the transport by order, then preference; what we do not speak is passed over', async () => {
    const records = [
      naptr('SIP+D2T', '_sip._tcp.pbx.test', 20),
      naptr('SIP+D2S', '_sip._sctp.pbx.test', 5),
      naptr('SIPS+D2T', '_sips._tcp.pbx.test', 10, 20),
      naptr('SIP+D2U', '_sip._udp.pbx.test', 10, 10),
    ];
    const zone = {
      naptr: { [kHost]: records },
      srv: {
        '_sip._udp.pbx.test': [srv('a.test')],
        '_sips._tcp.pbx.test': [srv('a.test', 1, 0, 5061)],
        '_sip._tcp.pbx.test': [srv('b.test')],
      },
      addresses: kAddresses,
    };
    expect((await find({}, zone)).found).toEqual([
      'udp 192.0.2.2 5060',
      'tls 192.0.2.2 5061',
      'tcp 192.0.2.3 5060',
      'tcp 2001:db8::3 5060',
    ]);
    expect((await find({}, zone, ['tcp'])).found).toEqual(['tcp 192.0.2.3 5060', 'tcp 2001:db8::3 5060']);
    expect((await find({ secure: true }, zone)).found).toEqual(['tls 192.0.2.2 5061']);
  });

  test('without NAPTR the SRV records of each transport are asked for', async () => {
    const zone = { srv: { '_sip._tcp.pbx.test': [srv('a.test', 1, 0, 5080)] }, addresses: kAddresses };
    const { found, asked } = await find({}, zone);
    expect(found).toEqual(['tcp 192.0.2.2 5080']);
    expect(asked.filter((question) => question.startsWith('srv'))).toEqual([
      'srv _sip._udp.pbx.test',
      'srv _sip._tcp.pbx.test',
      'srv _sips._tcp.pbx.test',
    ]);
  });

  test('with a transport NAPTR is not asked for', async () => {
    const zone = { srv: { '_sip._tcp.pbx.test': [srv('a.test')] }, addresses: kAddresses };
    const { found, asked } = await find({ transport: 'tcp' }, zone);
    expect(found).toEqual(['tcp 192.0.2.2 5060']);
    expect(asked).not.toContain(`naptr ${kHost}`);
  });

  test.each([
    { secure: false, expected: 'udp 192.0.2.1 5060' },
    { secure: true, expected: 'tls 192.0.2.1 5061' },
  ])('without any record the name itself, at the port of the transport (secure: $secure)', async (row) => {
    const { found } = await find({ secure: row.secure }, { addresses: kAddresses });
    expect(found).toEqual([row.expected]);
  });

  test('a server that is `.` is no server, a name that does not exist has no target', async () => {
    expect((await find({ transport: 'udp' }, { srv: { '_sip._udp.pbx.test': [srv('.')] } })).found).toEqual(
      [],
    );
    expect((await find({}, {})).found).toEqual([]);
  });

  test('a transport we do not have has no target', async () => {
    expect((await find({ transport: 'tls' }, { addresses: kAddresses }, ['udp'])).found).toEqual([]);
  });

  test('a thousand records are not a thousand targets', async () => {
    const many = Array.from({ length: 1000 }, (_, index) => srv(`192.0.2.${index % 250}`, index));
    const { found } = await find({ transport: 'udp' }, { srv: { '_sip._udp.pbx.test': many } });
    expect(found).toHaveLength(12);
  });
});
