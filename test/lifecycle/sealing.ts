import type { Json } from '../../src/base/json.ts';
import { canonicalJson } from '../../src/base/json.ts';
import { sealValue } from '../../src/crypto/sealed-value.ts';
import { type Address, textOf } from './declared.ts';

const blocks = new Map<string, Promise<string>>();

/** A sealed block: the same one for the same recipient, address, field, value and salt. */
export function sealedBlock(recipient: string, address: Address, field: string, value: Json, salt: number): Promise<string> {
  const key = canonicalJson([recipient, textOf(address), field, value, salt]);
  let block = blocks.get(key);
  if (block === undefined) {
    const inData = /^[A-Za-z0-9_-]+$/.test(field) ? `data.${field}` : `data[${JSON.stringify(field)}]`;
    const path = address.kind === 'StaticSecret' ? inData : field;
    block = sealValue([recipient], { v: 1, address: [address.kind, address.mount, address.name], field: path, value });
    blocks.set(key, block);
  }
  return block;
}
