import { mount } from '../shared/mount.tsx';
import { Wallboard } from './wallboard.tsx';
import './wallboard.css';

mount('Wallboard', Wallboard);
