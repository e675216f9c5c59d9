import { hash } from 'node:crypto';
import { bytesToId } from '@souk/platform/id';
import type { IdKind } from '@souk/platform/id-prefixes';

/**
 * The id of something in the demo: the same for the same name in every shop, so that examples can quote it.
 * A UUIDv7 whose random bits come from the name instead: https://www.rfc-editor.org/rfc/rfc9562#section-5.7
 */
export function demoId(kind: IdKind, madeAt: Date, name: string): string {
  const bytes = hash('sha256', `${kind} ${name}`, 'buffer').subarray(0, 16);
  bytes.writeUIntBE(madeAt.getTime(), 0, 6);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytesToId(kind, bytes);
}
