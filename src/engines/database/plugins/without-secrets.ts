const longest = 400;

/** The text of an error without secrets, in whatever form a statement or a URL holds them. */
export function withoutSecrets(message: string, secrets: readonly string[]): string {
  let text = message;
  for (const form of secrets.flatMap(formsOf)) text = text.replaceAll(form, '***');
  return text.slice(0, longest);
}

/** How a secret looks: as it is, between quotes, between quotes where backslashes escape, and as part of a URL. */
export function formsOf(secret: string): readonly string[] {
  if (secret === '') return [];
  const escaped = secret.replaceAll('\\', '\\\\');
  const forms = [secret, secret.replaceAll("'", "''"), escaped.replaceAll("'", "''"), escaped.replaceAll('"', '""')];
  // One of them may be part of another.
  return [...new Set([...forms, encodeURIComponent(secret)])].sort((a, b) => b.length - a.length);
}
