import { SaxesParser } from 'saxes';
import { describe, expect, it } from 'vitest';
import { metadataXml, newRecordingId } from '../../../src/recording/siprec-metadata.ts';

const kAt = new Date('2026-11-22T12:00:00Z');

/** Elements in order; an error if the text is no XML. */
function elementsOf(xml: string): { name: string; attributes: Record<string, string> }[] {
  const elements: { name: string; attributes: Record<string, string> }[] = [];
  const parser = new SaxesParser();
  parser.on('opentag', ({ name, attributes }) => elements.push({ name, attributes: { ...attributes } }));
  parser.on('error', (error) => {
    throw error;
  });
  parser.write(xml).close();
  return elements;
}

describe('the metadata of a recording session', () => {
  const xml = metadataXml({
    sessionId: 'S',
    startedAt: kAt,
    participants: [
      { id: 'C', role: 'customer', since: kAt, until: null },
      { id: 'A', role: 'agent', since: kAt, until: null },
      { id: 'M', role: 'monitor', since: kAt, until: kAt },
    ],
    streams: [
      { id: 'SC', label: '1', of: 'customer' },
      { id: 'SA', label: '2', of: 'agent' },
    ],
  });

  it('is the whole state, well-formed, in the order of RFC 7865', () => {
    const elements = elementsOf(xml);
    expect(elements[0]).toEqual({
      name: 'recording',
      attributes: { xmlns: 'urn:ietf:params:xml:ns:recording:1' },
    });
    const top = [
      'datamode',
      'session',
      'participant',
      'stream',
      'sessionrecordingassoc',
      'participantsessionassoc',
      'participantstreamassoc',
    ];
    const seen = [...new Set(elements.map(({ name }) => name))].filter((name) => top.includes(name));
    expect(seen).toEqual(top);
  });

  it('says who is heard on which stream, and who has left', () => {
    expect(xml).toContain('<participantstreamassoc participant_id="C"><send>SC</send><recv>SA</recv>');
    expect(xml).toContain('<participantstreamassoc participant_id="A"><send>SA</send><recv>SC</recv>');
    expect(xml).not.toContain('<participantstreamassoc participant_id="M">');
    expect(xml.match(/<disassociate-time>/g)).toHaveLength(1);
  });

  it('names nobody by a number', () => {
    expect(xml.match(/aor="([^"]+)"/g)).toEqual([
      'aor="sip:customer@anonymous.invalid"',
      'aor="sip:agent@anonymous.invalid"',
      'aor="sip:monitor@anonymous.invalid"',
    ]);
  });

  it('has UUIDs in base64 for names', () => {
    expect(newRecordingId()).toMatch(/^[A-Za-z0-9+/]{22}==$/);
    expect(newRecordingId()).not.toBe(newRecordingId());
  });
});
