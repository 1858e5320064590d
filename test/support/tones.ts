export * from '../../src/phone/tones.ts';
