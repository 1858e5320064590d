import { z } from 'zod';
import { optionalText, section, special, text } from './keys.ts';

/** What the pages of the server may do: keys of the section `pages`. */
export const kPagesSection = section({
  embedIn: special(z.array(z.string().regex(/^https?:\/\/[a-z0-9.:[\]-]+$/)).default([]), {
    sentence: 'Web pages, such as a CRM, that may show the agent desk in a frame and talk with it.',
    expects: 'list of origins such as `https://crm.example.net`, lower case',
  }),
  softphone: section({
    server: optionalText(
      'Where the phone in the agent desk connects by WebSocket; without it there is none.',
      {
        expects: '`wss://` URL; plain `ws` for laboratories',
        pattern: /^wss?:\/\/[\w.:[\]-]+(\/[\w./-]*)?$/,
      },
    ),
    domain: text(
      'Domain of its SIP address.',
      { expects: 'host name', pattern: /^[\w.-]+$/ },
      'hushpay.invalid',
    ),
  }),
});
