/** @returns zeros that nothing else uses before they are collected. */
export type AllocateMemory = (bytes: number) => ArrayBuffer;

// Typed arrays of up to 64 bytes live on the V8 heap, where moving them leaves copies behind.
export const kLeastDigitBytes = 65;

let allocate: AllocateMemory = (bytes) => Buffer.allocUnsafeSlow(bytes).fill(0).buffer;

/** From now on card digits are kept in this memory, which never goes to a swap device (native/src/guard/locked_memory.h). */
export function keepDigitsIn(allocateLocked: AllocateMemory): void {
  allocate = allocateLocked;
}

/**
 * Memory for what may be card digits: keys, the card of a session, messages to and from a gateway. Whoever takes it wipes it.
 * @returns zeros, `kLeastDigitBytes` or more in a piece of their own.
 */
export function digitMemory(bytes: number): Buffer<ArrayBuffer> {
  return Buffer.from(allocate(Math.max(bytes, kLeastDigitBytes)));
}
