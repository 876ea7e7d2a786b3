import { Fault } from '../base/error.ts';
import { awsKmsSeal } from './awskms.ts';
import type { SealType } from './seal-type.ts';
import { shamirSeal } from './shamir.ts';
import { staticSeal } from './static.ts';

/** Every seal there is. */
export const sealTypes: readonly SealType[] = [awsKmsSeal, shamirSeal, staticSeal];

/** Throws Fault `settings` for a type that this version does not know. */
export function sealTypeOf(type: string): SealType {
  const found = sealTypes.find((candidate) => candidate.type === type);
  if (found !== undefined) return found;
  throw new Fault('settings', `the seal ${JSON.stringify(type.slice(0, 80))} is not known to this version`, {
    hint: `Known are: ${sealTypes.map((known) => known.type).join(', ')}.`,
  });
}
