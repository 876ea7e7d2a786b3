import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCron } from '../../src/base/cron.ts';

const numRuns = process.env['SECRETCTL_FULL'] === '1' ? 2000 : 100;
const seed = process.env['SECRETCTL_SEED'];
const size = { numRuns, ...(seed === undefined ? {} : { seed: Number(seed) }) };

const minute = 60_000;
const hour = 60 * minute;
const instant = (text: string): number => Date.parse(text);
const text = (moment: number | null): string | null => (moment === null ? null : new Date(moment).toISOString());

/** The first `count` times after an instant. */
function times(line: string, zone: string, after: string, count: number): readonly (string | null)[] {
  const schedule = parseCron(line, zone);
  const found: (string | null)[] = [];
  for (let at: number | null = instant(after); at !== null && found.length < count;) {
    at = schedule.after(at);
    found.push(text(at));
  }
  return found;
}

describe('a cron line', () => {
  it('is read in its time zone', () => {
    expect(times('0 3 * * SAT', 'UTC', '2026-11-25T00:00:00Z', 2)).toEqual([
      '2026-11-28T03:00:00.000Z',
      '2026-12-05T03:00:00.000Z',
    ]);
    expect(times('0 3 * * SAT', 'Europe/Berlin', '2026-11-25T00:00:00Z', 1)).toEqual(['2026-11-28T02:00:00.000Z']);
    expect(times('30 9 * * *', 'Asia/Kathmandu', '2026-11-25T00:00:00Z', 1)).toEqual(['2026-11-25T03:45:00.000Z']);
  });

  it('gives the time after an instant, never the instant itself', () => {
    expect(times('0 * * * *', 'UTC', '2026-11-25T10:00:00.000Z', 1)).toEqual(['2026-11-25T11:00:00.000Z']);
    expect(times('0 * * * *', 'UTC', '2026-11-25T09:59:59.999Z', 1)).toEqual(['2026-11-25T10:00:00.000Z']);
    expect(times('0 * * * *', 'UTC', '2026-11-25T10:00:00.001Z', 1)).toEqual(['2026-11-25T11:00:00.000Z']);
  });

  it('takes either day where both are restricted', () => {
    expect(times('0 0 13 * FRI', 'UTC', '2026-11-10T00:00:00Z', 3)).toEqual([
      '2026-11-13T00:00:00.000Z',
      '2026-11-20T00:00:00.000Z',
      '2026-11-27T00:00:00.000Z',
    ]);
  });

  it('knows the names of common schedules', () => {
    expect(times('@daily', 'America/New_York', '2026-11-25T12:00:00Z', 1)).toEqual(['2026-11-26T05:00:00.000Z']);
  });

  it.each(['', '* * * *', '* * * * * *', '60 * * * *', '* 24 * * *', '5-1 * * * *', '*/0 * * * *', '@reboot', 'soon'])(
    'is refused as %j',
    (line) => {
      expect(() => parseCron(line, 'UTC')).toThrow(/is no cron line/);
    },
  );

  it.each([
    ['60 * * * *', 'its minute is "60", where 0 to 59 is wanted'],
    ['0 5-1 * * *', 'its hour is "5-1", where 0 to 23 is wanted'],
    ['0 0 32 * *', 'its day of month is "32", where 1 to 31 or L (the last) is wanted'],
    ['0 0 * FOO *', 'its month is "FOO", where 1 to 12 or JAN to DEC is wanted'],
    ['0 0 * * 8', 'its day of week is "8", where 0 to 7 (both are Sunday) or SUN to SAT is wanted'],
    ['0 0 * * $', 'its day of week is "$"'],
    ['*/0 * * * *', 'its minute is "*/0"'],
  ])('is refused with the field that is wrong, and what it may be: %s', (line, why) => {
    expect(() => parseCron(line, 'UTC')).toThrow(`"${line}" is no cron line: ${why}`);
  });

  it('is refused where its time never comes, where its zone does not exist, and where it is a date', () => {
    expect(() => parseCron('0 0 30 2 *', 'UTC')).toThrow('"0 0 30 2 *" is a time that never comes');
    expect(() => parseCron('0 0 * * *', 'Mars/Olympus')).toThrow('"Mars/Olympus" is no time zone');
    expect(() => parseCron('2026-12-01T00:00:00', 'UTC')).toThrow('is no cron line');
  });
});

describe('when clocks change', () => {
  it('a time that is skipped comes once, just after the gap', () => {
    expect(times('30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', 2)).toEqual([
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ]);
    expect(times('*/20 * * * *', 'Europe/Berlin', '2026-03-29T00:35:00Z', 3)).toEqual([
      '2026-03-29T00:40:00.000Z',
      '2026-03-29T01:00:00.000Z',
      '2026-03-29T01:20:00.000Z',
    ]);
  });

  it('a time that comes twice counts once, the first time', () => {
    expect(times('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', 2)).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ]);
    expect(times('30 2 * * *', 'Europe/Berlin', '2026-10-25T00:45:00Z', 1)).toEqual(['2026-10-26T01:30:00.000Z']);
  });

  it('half hours and whole days that are skipped are no different', () => {
    expect(times('15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T00:00:00Z', 2)).toEqual([
      '2026-10-03T15:30:00.000Z',
      '2026-10-04T15:15:00.000Z',
    ]);
    expect(times('0 12 * * *', 'Pacific/Apia', '2011-12-29T00:00:00Z', 3)).toEqual([
      '2011-12-29T22:00:00.000Z',
      '2011-12-30T10:00:00.000Z',
      '2011-12-30T22:00:00.000Z',
    ]);
  });
});

describe('for any schedule, zone and instant', () => {
  const zones = [
    'UTC',
    'Europe/Berlin',
    'America/New_York',
    'Australia/Lord_Howe',
    'America/Santiago',
    'Asia/Kathmandu',
    'Africa/Casablanca',
  ];
  const field = (least: number, most: number) =>
    fc.oneof(
      fc.constant('*'),
      fc.integer({ min: least, max: most }).map(String),
      fc.integer({ min: 1, max: most }).map((step) => `*/${step}`),
    );
  const line = fc
    .tuple(field(0, 59), field(0, 23), fc.constantFrom('*', '1', '29'), field(1, 12), field(0, 6))
    .map((all) => all.join(' '));
  // Around the changes of 2026 as often as elsewhere.
  const moment = fc.oneof(
    fc.integer({ min: instant('2020-01-01T00:00:00Z'), max: instant('2030-01-01T00:00:00Z') }),
    fc
      .tuple(
        fc.constantFrom('2026-03-29T01:00:00Z', '2026-10-25T01:00:00Z', '2026-03-08T07:00:00Z', '2026-11-01T06:00:00Z'),
        fc.integer({ min: -3 * hour, max: 3 * hour }),
      )
      .map(([change, by]) => instant(change) + by),
  );

  it('the time is later, and none lies between', () => {
    fc.assert(
      fc.property(line, fc.constantFrom(...zones), moment, (cron, zone, from) => {
        const schedule = parseCron(cron, zone);
        const next = schedule.after(from);
        if (next === null) return;
        expect(next).toBeGreaterThan(from);
        for (const between of [from + 1, from + Math.floor((next - from) / 2), next - 1]) {
          if (between >= from && between < next) expect(schedule.after(between)).toBe(next);
        }
        expect(schedule.after(next)).not.toBe(next);
      }),
      size,
    );
  });

  it('a time each day comes once on each day of the calendar', () => {
    fc.assert(
      fc.property(fc.constantFrom(...zones), fc.integer({ min: 0, max: 1439 }), moment, (zone, at, from) => {
        const schedule = parseCron(`${at % 60} ${Math.floor(at / 60)} * * *`, zone);
        const day = new Intl.DateTimeFormat('en-CA', { timeZone: zone });
        let last = schedule.after(from) ?? 0;
        for (let count = 0; count < 5; count++) {
          const next = schedule.after(last) ?? 0;
          const expected = new Date(`${day.format(last)}T12:00:00Z`).getTime() + 24 * hour;
          expect(day.format(next)).toBe(new Date(expected).toISOString().slice(0, 10));
          last = next;
        }
      }),
      size,
    );
  });
});
