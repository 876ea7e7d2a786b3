import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { publishedSchemas } from './published-schemas.ts';

// Writes schemas/ anew from the kinds: `npm run schemas`. A test fails while it is stale.
const folder = join(import.meta.dirname, '../schemas');
const files = publishedSchemas();
mkdirSync(folder, { recursive: true });
for (const name of readdirSync(folder)) if (!files.has(name)) rmSync(join(folder, name));
for (const [name, text] of files) writeFileSync(join(folder, name), text);
