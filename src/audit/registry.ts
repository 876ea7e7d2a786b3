import { Fault } from '../base/error.ts';
import { isIdentifier } from '../base/name.ts';
import { fileSink } from './file-sink.ts';
import type { AuditSink } from './sink.ts';

/** What the settings declare of one sink. */
export interface SinkDeclaration {
  readonly name: string;
  readonly type: string;
  readonly options: Readonly<Record<string, string>>;
}

interface SinkType {
  /** The options of a declaration: all of these and no others. */
  readonly options: readonly string[];
  create(name: string, options: Readonly<Record<string, string>>): AuditSink;
}

/** Every type of sink: one line each. */
export const sinkTypes: Readonly<Record<string, SinkType>> = {
  file: { options: ['path'], create: (name, options) => fileSink(name, options['path'] ?? '') },
};

/** The sink that the settings declare. Has no effect on what it writes to. Throws Fault `settings`. */
export function createSink({ name, type, options }: SinkDeclaration): AuditSink {
  const known = Object.keys(sinkTypes).join(', ');
  const sinkType = Object.hasOwn(sinkTypes, type) ? sinkTypes[type] : undefined;
  if (!isIdentifier(name)) throw new Fault('settings', `the audit sink name ${JSON.stringify(name)} is not an identifier`);
  if (sinkType === undefined)
    throw new Fault('settings', `audit sink ${name}: the type ${JSON.stringify(type)} is unknown (known: ${known})`);
  for (const option of sinkType.options) {
    if ((options[option] ?? '') === '')
      throw new Fault('settings', `audit sink ${name}: a ${type} sink needs the option "${option}"`);
  }
  const foreign = Object.keys(options).find((option) => !sinkType.options.includes(option));
  if (foreign !== undefined) {
    throw new Fault('settings', `audit sink ${name}: unknown option "${foreign}"`, {
      hint: `A ${type} sink takes: ${sinkType.options.join(', ')}.`,
    });
  }
  return sinkType.create(name, options);
}
