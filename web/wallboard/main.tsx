import { mount } from '../shared/mount.tsx';

mount('Wallboard', async () => (await import('./wallboard.tsx')).Wallboard);
