const lower = 'abcdefghijklmnopqrstuvwxyz';
const upper = lower.toUpperCase();
const digits = '0123456789';

/**
 * The sets of characters from which `generate: {length, charset}` draws, by the name that YAML gives them. A set of
 * one's own is a matter for a password policy: a name that is misspelt must never become an alphabet of its letters.
 */
export const charsets = {
  alphanumeric: upper + lower + digits,
  alphabetic: upper + lower,
  lowercase: lower + digits,
  numeric: digits,
  hex: `${digits}abcdef`,
  base64url: `${upper}${lower}${digits}-_`,
} as const satisfies Readonly<Record<string, string>>;

export const defaultCharset = 'alphanumeric' satisfies keyof typeof charsets;
