import { Fault } from '../base/error.ts';

/**
 * What the log may say of something that was thrown and should not have been: where it came from. Its message may quote
 * what was being worked on, so it is left out, except for that of a Fault.
 */
export function defectFields(error: unknown): Readonly<Record<string, string | null>> {
  if (!(error instanceof Error)) return { error: typeof error };
  const { code } = error as { code?: unknown };
  return {
    error: error.name,
    code: typeof code === 'string' ? code : null,
    message: error instanceof Fault ? error.message : null,
    at: (error.stack ?? '')
      .replace(error.message, '')
      .split('\n')
      .filter((line) => /^ +at /.test(line))
      .slice(0, 5)
      .map((line) => line.trim())
      .join(' '),
  };
}
