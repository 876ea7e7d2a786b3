import { Cron } from 'croner';

/** Times of a calendar that come again: a cron line, read in a time zone. */
export interface CronSchedule {
  /** The first time after `instant`, both in milliseconds since the epoch; null: there is none any more. */
  after(instant: number): number | null;
}

const fieldForm = /^[\dA-Za-z*,/#-]{1,60}$/;
const longest = 200;
const day = 24 * 3_600_000;

/**
 * Reads a cron line: five fields (minute, hour, day of month, month, day of week) or one of `@hourly`, `@daily`,
 * `@weekly`, `@monthly`, `@yearly`. Where both days are restricted either is enough, as in every cron. `zone` is a name of
 * the IANA time zone database. A time that the zone skips when clocks go forward is the first moment after the gap, together
 * with all others that are skipped; one that comes twice when they go back is the first of both.
 * Throws RangeError, with a text for people, for what is no line, no zone, or never comes.
 */
export function parseCron(line: string, zone: string): CronSchedule {
  // Croner counts by the calendar; what zones do to it is ours, because its own ways depend on the pattern.
  const calendar = calendarOf(line);
  const clocks = new WallClock(zone);
  const after = (instant: number): number | null => {
    let wall: number | null = clocks.at(instant);
    // What is not later, is the second coming of times that have been.
    for (;;) {
      wall = calendar.nextRun(new Date(wall))?.getTime() ?? null;
      if (wall === null) return null;
      const moment = clocks.momentOf(wall);
      if (moment > instant) return moment;
    }
  };
  if (calendar.nextRun(new Date(0)) === null) throw new RangeError(`"${line}" is a time that never comes`);
  return { after };
}

function calendarOf(line: string): Cron {
  const fields = line.trim().split(/\s+/);
  const isName = fields.length === 1 && /^@(hourly|daily|weekly|monthly|yearly|annually|midnight)$/.test(fields[0] ?? '');
  if (line.length > longest || !(isName || fields.length === 5)) {
    throw new RangeError(
      `"${line.slice(0, 60)}" is no cron line: minute, hour, day of month, month and day of week are wanted, as in "0 3 * * SAT"`,
    );
  }
  const wrong = isName ? -1 : fields.findIndex((field, index) => !isFieldOf(index, field));
  const { name, range } = fieldRules[wrong] ?? {};
  if (name !== undefined && range !== undefined) {
    const field = (fields[wrong] ?? '').slice(0, 60);
    throw new RangeError(
      `"${line}" is no cron line: ${name} is "${field}", where ${range} is wanted, also as in "*", "1,2", "1-3", "*/2"`,
    );
  }
  return calendarNamed(fields.join(' '));
}

const fieldRules = [
  { name: 'its minute', range: '0 to 59' },
  { name: 'its hour', range: '0 to 23' },
  { name: 'its day of month', range: '1 to 31 or L (the last)' },
  { name: 'its month', range: '1 to 12 or JAN to DEC' },
  { name: 'its day of week', range: '0 to 7 (both are Sunday) or SUN to SAT' },
] as const;

function calendarNamed(line: string): Cron {
  return new Cron(line, { timezone: 'UTC', mode: '5-part', paused: true });
}

/** Is a line with nothing but this field one? What is wrong with a line is wrong with one of its fields. */
function isFieldOf(index: number, field: string): boolean {
  if (!fieldForm.test(field)) return false;
  try {
    calendarNamed(fieldRules.map((_, at) => (at === index ? field : '*')).join(' '));
    return true;
  } catch {
    return false;
  }
}

/** What clocks of a zone show. A wall time is what they show, written as if it were UTC. Milliseconds. */
class WallClock {
  readonly #format: Intl.DateTimeFormat;

  constructor(zone: string) {
    try {
      this.#format = new Intl.DateTimeFormat('en-US', {
        timeZone: zone,
        calendar: 'gregory',
        numberingSystem: 'latn',
        hourCycle: 'h23',
        year: 'numeric',
        month: 'numeric',
        day: 'numeric',
        hour: 'numeric',
        minute: 'numeric',
        second: 'numeric',
      });
    } catch (error) {
      throw new RangeError(`"${zone.slice(0, 60)}" is no time zone, such as "Europe/Berlin" or "UTC"`, { cause: error });
    }
  }

  /** To the second. */
  at(instant: number): number {
    const parts: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
    for (const { type, value } of this.#format.formatToParts(instant)) parts[type] = Number(value);
    const { year = 0, month = 1, day: date = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, date, hour, minute, second);
  }

  /** The first moment at which they show it, or something later where they skip it. */
  momentOf(wall: number): number {
    const offsets = [wall - day, wall + day].map((around) => this.at(around) - around);
    const earliest = wall - Math.max(...offsets);
    const latest = wall - Math.min(...offsets);
    if (this.at(earliest) === wall) return earliest;
    // Skipped: at `earliest` they show less, at `latest` they do not.
    let before = earliest;
    let then = latest;
    while (then - before > 1000) {
      const middle = before + Math.floor((then - before) / 2000) * 1000;
      if (this.at(middle) < wall) before = middle;
      else then = middle;
    }
    return then;
  }
}
