import type { View } from '../../barrier/view.ts';
import { givingWay } from '../../base/giving-way.ts';
import { connectionNamed } from './connection-record.ts';
import { rotationOf } from './rotation.ts';
import { staticCredentialOf, subjectOf } from './static-account.ts';

/** So many of each are looked at. */
const looked = 1000;

/** The passwords that were changed here, so that nobody else knows them. See MountType.onlyHere. */
export async function onlyHere(storage: View): Promise<string | null> {
  const connections = await count(storage, 'connection/', async (name) => {
    const connection = await connectionNamed(storage, name);
    return (connection?.rotatedAt ?? null) !== null || (await rotationOf(storage, { kind: 'root', name })) !== null;
  });
  const roles = await count(storage, 'static-credential/', async (name) => {
    const credential = await staticCredentialOf(storage, name);
    return (credential?.rotatedAt ?? null) !== null || (await rotationOf(storage, subjectOf(name))) !== null;
  });
  const parts = [words(connections, 'connection'), words(roles, 'static role')].filter((part) => part !== '');
  if (parts.length === 0) return null;
  return `${connections.found + roles.found === 1 ? 'the password' : 'the passwords'} of ${parts.join(' and ')}`;
}

interface Count {
  readonly found: number;
  readonly more: boolean;
}

async function count(storage: View, folder: string, counts: (name: string) => Promise<boolean>): Promise<Count> {
  const names = await storage.children(folder, { limit: looked });
  const giveWay = givingWay(64);
  let found = 0;
  for (const name of names) {
    await giveWay();
    if (await counts(name)) found++;
  }
  return { found, more: names.length === looked };
}

function words({ found, more }: Count, noun: string): string {
  if (found === 0) return '';
  return `${more ? 'at least ' : ''}${found} ${noun}${found === 1 ? '' : 's'}`;
}
