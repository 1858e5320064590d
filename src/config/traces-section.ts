import { optionalText, secretText, section } from './keys.ts';

/** Keys of the section `traces`. */
export const kTracesSection = section({
  url: optionalText(
    'Collector that gets a trace of every call (OpenTelemetry, OTLP over HTTP); none if not given.',
    {
      expects: 'URL such as `http://127.0.0.1:4318/v1/traces`',
      pattern: /^https?:\/\/[^\s@]+$/,
    },
  ),
  token: secretText('Bearer token the collector wants.'),
});
