// `npm run api:document`: writes docs/openapi.json from the routes and the schemas they check with.
import { writeFileSync } from 'node:fs';
import { apiRoutes } from '../src/api/api.ts';
import { openApi } from '../src/api/openapi.ts';
import { apiOptions } from '../test/support/api-options.ts';

const document = openApi(apiRoutes(apiOptions({ keys: [] })));
writeFileSync(new URL('../docs/openapi.json', import.meta.url), `${JSON.stringify(document, null, 2)}\n`);
