import { Fault } from '../base/error.ts';
import { isIdentifier } from '../base/name.ts';
import { systemTimer, type Timer } from '../base/timer.ts';
import type { SpecSchema } from '../kinds/kind.ts';
import { fileSinkType } from './file-sink.ts';
import type { AuditSink } from './sink.ts';
import { SinkOptions, type SinkDeclaration } from './sink-options.ts';
import { socketSinkType } from './socket-sink.ts';
import { syslogSinkType } from './syslog-sink.ts';

/** One type of sink: what the settings may say of it, and how it is made. */
export interface SinkType {
  /** The options of a declaration, as JSON Schema; no others are taken. */
  readonly properties: Readonly<Record<string, SpecSchema>>;
  readonly required: readonly string[];
  /** Throws Fault `settings`. */
  create(declaration: SinkDeclaration, options: SinkOptions, timer: Timer): AuditSink;
}

/** Every type of sink: one line each. */
export const sinkTypes: Readonly<Record<string, SinkType>> = {
  file: fileSinkType,
  syslog: syslogSinkType,
  socket: socketSinkType,
};

/** What the settings declare of a sink. */
export const sinkSettingsSchema: SpecSchema = {
  description: 'A sink.',
  oneOf: Object.entries(sinkTypes).map(([type, { properties, required }]) => ({
    type: 'object',
    description: `A ${type} sink.`,
    required: ['type', ...required],
    additionalProperties: false,
    properties: { type: { const: type, description: 'The type of the sink.' }, ...properties },
  })),
};

interface SinkSurroundings {
  /** Where paths that are not absolute begin: the folder of the settings. The process's own unless told. */
  readonly directory?: string;
  readonly timer?: Timer;
}

/** The sink that the settings declare. Has no effect on what it writes to. Throws Fault `settings`. */
export function createSink(
  declaration: SinkDeclaration,
  { directory = '', timer = systemTimer }: SinkSurroundings = {},
): AuditSink {
  const { name, type, options } = declaration;
  const known = Object.keys(sinkTypes).join(', ');
  const sinkType = Object.hasOwn(sinkTypes, type) ? sinkTypes[type] : undefined;
  if (!isIdentifier(name)) throw new Fault('settings', `the audit sink name ${JSON.stringify(name)} is not an identifier`);
  if (sinkType === undefined)
    throw new Fault('settings', `audit sink ${name}: the type ${JSON.stringify(type)} is unknown (known: ${known})`);
  const foreign = Object.keys(options).find((option) => !Object.hasOwn(sinkType.properties, option));
  if (foreign !== undefined) {
    throw new Fault('settings', `audit sink ${name}: unknown option "${foreign}"`, {
      hint: `A ${type} sink takes: ${Object.keys(sinkType.properties).join(', ')}.`,
    });
  }
  const read = new SinkOptions(declaration, directory);
  for (const option of sinkType.required) read.required(option);
  return sinkType.create(declaration, read, timer);
}
