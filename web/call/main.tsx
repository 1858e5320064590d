import { mount } from '../shared/mount.tsx';
import { Call } from './call.tsx';
import './call.css';

mount('Call', Call);
