import { mount } from '../shared/mount.tsx';

mount('Call', () => null);
