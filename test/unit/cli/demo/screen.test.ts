import { describe, expect, it } from 'vitest';
import { Screen } from '../../../../src/cli/demo/screen.ts';

function shown(use: (screen: Screen) => void): string {
  let text = '';
  use(
    new Screen((part) => {
      text += part;
    }),
  );
  return text.replace(/^ +\d+\.\d s/gm, '');
}

describe('the screen of the demonstration', () => {
  it('shows keys as dots in groups of four until something else is told', () => {
    const text = shown((screen) => {
      for (let digit = 0; digit < 6; digit++) screen.key(true);
      screen.key(false);
      screen.line('hears', 'thank you');
      screen.key(true);
      screen.block('ladder', 'rows');
    });
    expect(text).toBe('  keys     ●●●● ●● #\n  hears    thank you\n  keys     ●\n\nladder\n\nrows\n');
  });

  it('lets no card number past', () => {
    const text = shown((screen) => {
      screen.line('hears', 'card 4242 4242 4242 4242');
      screen.block('record', '{"reference":"4242424242424242"}');
    });
    expect(text).not.toMatch(/4242/);
    expect(text.match(/\[digits\]/g)).toHaveLength(2);
  });
});
