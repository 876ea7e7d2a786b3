import { pino } from 'pino';
import type { Clock } from '../base/clock.ts';

/** A line of the server's log: for operators. Messages and fields hold no secret. */
export type Log = (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields?: LogFields) => void;

type LogFields = Readonly<Record<string, string | number | boolean | null>>;

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** `text` for people, `json` for machines. */
  readonly format: 'text' | 'json';
  readonly clock: Clock;
}

/** `write` gets whole lines. */
export function createLog({ level, format, clock }: LogOptions, write: (line: string) => void): Log {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date(clock.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: 'message',
    },
    { write: format === 'json' ? write : (line) => write(asText(line)) },
  );
  return (lineLevel, message, fields = {}) => logger[lineLevel](fields, message);
}

/** `2026-01-31T10:00:00.000Z INFO  the store is unsealed seal=shamir` */
function asText(line: string): string {
  const { level, time, message, ...fields } = JSON.parse(line) as Record<string, string | number | boolean | null>;
  const shown = Object.entries(fields).map(([name, value]) => ` ${name}=${plain(value)}`);
  return `${String(time)} ${String(level).toUpperCase().padEnd(5)} ${String(message)}${shown.join('')}\n`;
}

function plain(value: string | number | boolean | null): string {
  const text = String(value);
  return /^[\w./:@+-]+$/.test(text) ? text : JSON.stringify(text);
}
