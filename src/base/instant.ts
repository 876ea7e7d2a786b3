const form = /^(\d{4})-(\d{2})-(\d{2})(?:[Tt](\d{2}):(\d{2}):(\d{2})(?:\.\d{1,9})?(?:[Zz]|[+-](\d{2}):(\d{2})))?$/;

/**
 * The moment, in milliseconds since the epoch, of an RFC 3339 time, or of a date alone: the first moment of that day
 * in UTC. Null for anything else, a day that the calendar does not have included.
 */
export function parseInstant(text: string): number | null {
  const parts = form.exec(text);
  if (parts === null) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, offsetHour = 0, offsetMinute = 0] = parts
    .slice(1)
    .map((part) => Number(part ?? 0));
  if (month < 1 || month > 12 || day < 1 || day > new Date(Date.UTC(year, month, 0)).getUTCDate()) return null;
  if (hour > 23 || minute > 59 || second > 59 || offsetHour > 23 || offsetMinute > 59) return null;
  const moment = Date.parse(text.length === 10 ? `${text}T00:00:00Z` : text.toUpperCase());
  return Number.isNaN(moment) ? null : moment;
}

/** A moment as RFC 3339 writes it, in UTC, with milliseconds only where there are any: `2027-01-31T00:00:00Z`. */
export function instantText(moment: number): string {
  return new Date(moment).toISOString().replace('.000Z', 'Z');
}
