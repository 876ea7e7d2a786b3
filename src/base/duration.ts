const unitSeconds: Readonly<Record<string, number>> = { ns: 1e-9, us: 1e-6, µs: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600, d: 86400 };
const part = /(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)/gy;

/**
 * The seconds of a duration as Vault's API and our YAML write them: `90s`, `1h30m`, `30d`, a number of seconds or
 * its digits (`"3600"`), `-1h`. Null for anything else. `0` and `""` are zero.
 */
export function parseDuration(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'string' || value.length > 64) return null;
  const text = value.trim();
  if (text === '') return 0;
  if (/^-?\d+$/.test(text)) return Number(text);
  const negative = text.startsWith('-');
  const magnitude = negative ? text.slice(1) : text;
  let seconds = 0;
  let end = 0;
  part.lastIndex = 0;
  for (let match = part.exec(magnitude); match !== null; match = part.exec(magnitude)) {
    seconds += Number(match[1]) * (unitSeconds[match[2] ?? ''] ?? 0);
    end = part.lastIndex;
  }
  if (end === 0 || end !== magnitude.length) return null;
  return negative ? -seconds : seconds;
}

/** A duration as Go's `time.Duration` prints it, which Vault's KV engine answers with: `0s`, `1h30m0s`, `1.5s`. */
export function goDuration(seconds: number): string {
  const sign = seconds < 0 ? '-' : '';
  let rest = Math.abs(seconds);
  if (rest > 0 && rest < 1) return `${sign}${Number((rest * 1000).toFixed(6))}ms`;
  const hours = Math.floor(rest / 3600);
  rest -= hours * 3600;
  const minutes = Math.floor(rest / 60);
  rest = Number((rest - minutes * 60).toFixed(9));
  if (hours > 0) return `${sign}${hours}h${minutes}m${rest}s`;
  return minutes > 0 ? `${sign}${minutes}m${rest}s` : `${sign}${rest}s`;
}

/** A duration as people write it in our YAML: the shortest of whole `d h m s` parts, `0s` for none. */
export function shortDuration(seconds: number): string {
  if (seconds === 0) return '0s';
  let rest = Math.abs(seconds);
  let text = seconds < 0 ? '-' : '';
  for (const [unit, size] of [
    ['d', 86400],
    ['h', 3600],
    ['m', 60],
  ] as const) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return rest > 0 ? `${text}${Number(rest.toFixed(9))}s` : text;
}
