import { mount } from '../shared/mount.tsx';

mount('Wallboard', () => null);
