import { badRequest } from '../../protocol/request-error.ts';

type Options = Readonly<Record<string, string>>;

/** Which of the two engines a mount's options choose. A mount without a version is of version 1, as in the Vault API. */
export function kvVersion(options: Options): '1' | '2' {
  return options['version'] === '2' ? '2' : '1';
}

/**
 * The options of a new or tuned mount. Without a version there is none shown either, as in the Vault API; others are kept
 * as they are: clients send some that have no meaning. Throws RequestError 400 for an unknown version, and for the way back
 * from version 2.
 */
export function checkOptions(options: Options, current: Options | null): Options {
  const named = options['version'] ?? current?.['version'];
  const version = named ?? '1';
  if (version !== '1' && version !== '2') throw badRequest('the version option of a kv mount must be "1" or "2"');
  if (version === '1' && current !== null && kvVersion(current) === '2') {
    throw badRequest('cannot downgrade mount from version 2: to have version 1, mount a new one and copy the secrets');
  }
  return named === undefined ? options : { ...options, version };
}
