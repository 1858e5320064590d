export * from '../../src/phone/g711.ts';
