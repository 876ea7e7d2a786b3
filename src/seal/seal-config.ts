import { crc32 } from 'node:zlib';
import { concatBytes, fromBase64, fromUtf8, toBase64, utf8 } from '../base/bytes.ts';
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import { corruptRecord } from '../barrier/record.ts';
import type { Transaction } from '../storage/transaction.ts';
import type { ShareNumbers } from './seal-type.ts';

/**
 * What stands beside the data in the clear, at the key `seal`: which seal protects the store, and the root key that it
 * wrapped. Frozen by test/vectors/seal-config.json:
 *
 *     byte    0      format, 1 or 2
 *     bytes   1-4    CRC-32 of the rest, big-endian: it tells damage from a wrong key, not more
 *     bytes   5-     canonical JSON {"shamir": null or {"setId", "shares", "threshold"}, "type", "wrapped": base64}
 *
 * Format 2 has one member more, "recovery", in the form of "shamir". It is written only for a store that has recovery
 * shares, so that earlier versions open the others.
 */
export interface SealConfig {
  readonly type: string;
  /** The root key, as the seal wrapped it. */
  readonly wrapped: Uint8Array;
  /** Null for seals without shares. */
  readonly shamir: ShamirParameters | null;
  /**
   * The recovery shares of a seal that needs nobody, for display while the store is sealed; null: it has none. Who
   * decides by them asks the record under the barrier (see recovery.ts).
   */
  readonly recovery: ShamirParameters | null;
}

export interface ShamirParameters extends ShareNumbers {
  /** 16 hex digits. */
  readonly setId: string;
}

export const sealKey = 'seal';

const plainFormat = 1;
const recoveryFormat = 2;
const headerBytes = 5;
const maxBytes = 64 * 1024;

/** The seal's configuration, or null: the store was never initialized. Throws Fault `corrupt-record`. */
export async function readSealConfig(tx: Transaction): Promise<SealConfig | null> {
  const stored = await tx.get(sealKey);
  return stored === null ? null : decodeSealConfig(stored.value);
}

export function writeSealConfig(tx: Transaction, config: SealConfig): void {
  tx.put(sealKey, encodeSealConfig(config));
}

export function encodeSealConfig({ type, wrapped, shamir, recovery }: SealConfig): Uint8Array {
  const members = { type, wrapped: toBase64(wrapped), shamir: plain(shamir) };
  const body = utf8(canonicalJson(recovery === null ? members : { ...members, recovery: plain(recovery) }));
  const header = new DataView(new ArrayBuffer(headerBytes));
  header.setUint8(0, recovery === null ? plainFormat : recoveryFormat);
  header.setUint32(1, crc32(body));
  return concatBytes(new Uint8Array(header.buffer), body);
}

/** Throws Fault `corrupt-record` for anything that `encodeSealConfig` does not make. */
export function decodeSealConfig(bytes: Uint8Array): SealConfig {
  const [format] = bytes;
  const known = format === plainFormat || format === recoveryFormat;
  if (!known || bytes.byteLength < headerBytes || bytes.byteLength > maxBytes) {
    throw corruptRecord(sealKey, 'it is not in a format that this version knows');
  }
  const body = bytes.subarray(headerBytes);
  if (new DataView(bytes.buffer, bytes.byteOffset).getUint32(1) !== crc32(body)) throw corruptRecord(sealKey, 'it was damaged');
  const config = parseBody(body, format === recoveryFormat);
  if (config === null) throw corruptRecord(sealKey, 'it does not say which seal protects the store');
  return config;
}

function plain(parameters: ShamirParameters | null): JsonObject | null {
  return parameters && { setId: parameters.setId, shares: parameters.shares, threshold: parameters.threshold };
}

function parseBody(body: Uint8Array, withRecovery: boolean): SealConfig | null {
  let json: unknown;
  try {
    json = JSON.parse(fromUtf8(body));
  } catch {
    return null;
  }
  if (!isJsonObject(json) || Object.keys(json).length !== (withRecovery ? 4 : 3)) return null;
  const { type, wrapped } = json;
  const blob = typeof wrapped === 'string' ? fromBase64(wrapped) : null;
  if (typeof type !== 'string' || blob === null) return null;
  const shamir = json.shamir === null ? null : parseShamir(json.shamir);
  if (shamir === null && json.shamir !== null) return null;
  const recovery = withRecovery ? parseShamir(json.recovery) : null;
  if (withRecovery && recovery === null) return null;
  return { type, wrapped: blob, shamir, recovery };
}

/** The parameters of a set of shares, or null for anything else. */
export function parseShamir(json: Json | undefined): ShamirParameters | null {
  if (!isJsonObject(json) || Object.keys(json).length !== 3) return null;
  const { setId, shares, threshold } = json;
  if (typeof setId !== 'string' || !/^[0-9a-f]{16}$/.test(setId)) return null;
  if (typeof shares !== 'number' || typeof threshold !== 'number') return null;
  if (![shares, threshold].every((count) => Number.isInteger(count) && count >= 1 && count <= 255)) return null;
  return threshold <= shares ? { setId, shares, threshold } : null;
}
