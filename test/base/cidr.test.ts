import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalCidr, cidrsWithin, inCidrs, parseCidr } from '../../src/base/cidr.ts';

describe('a block of addresses', () => {
  it.each([
    ['10.1.2.3', '10.1.2.3'],
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['10.1.2.3/32', '10.1.2.3'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:DB8::1/32', '2001:db8:0:0:0:0:0:0/32'],
    ['::1', '0:0:0:0:0:0:0:1'],
    ['::/0', '0:0:0:0:0:0:0:0/0'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
  ])('%s has one text', (text, canonical) => {
    expect(canonicalCidr(text)).toBe(canonical);
    expect(canonicalCidr(canonical)).toBe(canonical);
  });

  it.each([
    '',
    '10.0.0',
    '10.0.0.1/33',
    '10.0.0.1/-1',
    '10.0.0.1/08',
    '10.0.0.1/8/8',
    '010.0.0.1',
    '::1/129',
    'fe80::1%eth0',
    '::ffff:10.0.0.1/8',
    'x',
  ])('%j is none', (text) => {
    expect(parseCidr(text)).toBeNull();
    expect(inCidrs('10.0.0.1', [text])).toBe(false);
  });

  it('holds the addresses of its network and no others', () => {
    expect(inCidrs('10.255.0.1', ['192.168.0.0/16', '10.0.0.0/8'])).toBe(true);
    expect(inCidrs('11.0.0.1', ['10.0.0.0/8'])).toBe(false);
    expect(inCidrs('::ffff:10.0.0.9', ['10.0.0.0/8'])).toBe(true);
    expect(inCidrs('2001:db8:ffff::1', ['2001:db8::/32'])).toBe(true);
    expect(inCidrs('2001:db9::1', ['2001:db8::/32'])).toBe(false);
    expect(inCidrs('10.0.0.1', ['::/0'])).toBe(false);
    expect(inCidrs('not an address', ['0.0.0.0/0'])).toBe(false);
    expect(inCidrs('10.0.0.1', [])).toBe(false);
  });

  it('lies within another where every one of its addresses does', () => {
    const octet = fc.integer({ min: 0, max: 255 });
    const prefix = fc.integer({ min: 0, max: 32 });
    fc.assert(
      fc.property(octet, octet, octet, octet, prefix, prefix, (a, b, c, d, inner, outer) => {
        const address = `${a}.${b}.${c}.${d}`;
        expect(inCidrs(address, [`${address}/${inner}`])).toBe(true);
        expect(cidrsWithin([`${address}/${inner}`], [`${address}/${outer}`])).toBe(inner >= outer);
      }),
    );
  });
});
