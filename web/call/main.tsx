import { mount } from '../shared/mount.tsx';

mount('Call', async () => (await import('./call.tsx')).Call);
