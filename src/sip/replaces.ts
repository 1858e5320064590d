import type { DialogName, Replacing } from '../ports/signaling.ts';

/**
 * Reads a Replaces header (RFC 3891 section 6.1), the name of a dialog as we have it: its to-tag is ours.
 * @returns undefined if it names no dialog, or more than one.
 */
export function readReplaces(value: string): Replacing | undefined {
  const [callId = '', ...parameters] = value.split(';').map((part) => part.trim());
  const tags = new Map<string, string>();
  for (const parameter of parameters) {
    const [name = '', tag = ''] = parameter.split('=', 2);
    if (tags.has(name.toLowerCase())) return undefined;
    tags.set(name.toLowerCase(), tag);
  }
  const localTag = tags.get('to-tag');
  const remoteTag = tags.get('from-tag');
  if (!/^[^\s,]+$/.test(callId) || !localTag || !remoteTag) return undefined;
  return { callId, localTag, remoteTag, earlyOnly: tags.has('early-only') };
}

/** The Replaces by which somebody asks the other side of this dialog of ours to give it up. */
export function replacesOf({ callId, localTag, remoteTag }: DialogName): string {
  return `${callId};to-tag=${remoteTag};from-tag=${localTag}`;
}
