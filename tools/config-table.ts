// Prints the README's configuration table. `npm run config:table`
import { configTable } from '../src/config/table.ts';

process.stdout.write(configTable());
