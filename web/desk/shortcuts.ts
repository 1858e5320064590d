import { useEffect, useState } from 'preact/hooks';
import { keep, read } from '../shared/theme.ts';
import { kActions } from './actions.ts';

const kName = 'hushpay.shortcuts';

/**
 * One key, one action, while no field has the focus. They can be turned off (WCAG 2.1.4): people who dictate, or whose hands shake,
 * would set off what they do not want.
 */
export function useShortcuts(press: (key: string) => void): readonly [boolean, (on: boolean) => void] {
  const [isOn, setIsOn] = useState(() => read(kName) !== 'off');
  useEffect(() => {
    if (!isOn) return undefined;
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || isTyping(event.target)) return;
      const key = event.key.toLowerCase();
      if (!kActions.some((action) => action.key === key)) return;
      event.preventDefault();
      press(key);
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [isOn, press]);
  const turn = (on: boolean) => {
    keep(kName, on ? 'on' : 'off');
    setIsOn(on);
  };
  return [isOn, turn];
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('input, select, textarea') !== null;
}
