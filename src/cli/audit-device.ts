import { isJsonObject } from '../base/json.ts';
import { readBody } from './body.ts';
import { type Command, targetOptions } from './command.ts';
import { mountPath } from './mount-settings.ts';
import { nothing, printJson, table } from './output.ts';
import { withSession } from './session.ts';
import { sessionCommand, success } from './session-command.ts';

export const list: Command = sessionCommand(
  {
    path: ['audit', 'list'],
    summary: 'List the enabled audit sinks',
    operands: '',
    arity: { min: 0, max: 0 },
    examples: [{ command: 'secretctl audit list -detailed', explanation: 'With their options.' }],
    options: { detailed: { type: 'flag', description: 'Show their options too.' } },
  },
  async ({ context, session, options }) => {
    const sinks = (await session.request('read', 'sys/audit')).data ?? {};
    const rows = Object.keys(sinks)
      .sort()
      .map((path) => {
        const sink = isJsonObject(sinks[path]) ? sinks[path] : {};
        const set = Object.entries(isJsonObject(sink.options) ? sink.options : {}).map(
          ([key, value]) => `${key}=${String(value)}`,
        );
        const row = [path, String(sink.type), String(sink.description ?? '') || 'n/a'];
        return options.flag('detailed') ? [...row, set.join(' ')] : row;
      });
    if (rows.length === 0) return nothing(context, 'No audit sink is enabled.');
    if (context.json) printJson(context, sinks);
    else context.terminal.out(table(['Path', 'Type', 'Description', ...(options.flag('detailed') ? ['Options'] : [])], rows));
    return 0;
  },
);

export const enable: Command = {
  path: ['audit', 'enable'],
  summary: 'Enable an audit sink that the settings declare',
  operands: 'TYPE [KEY=VALUE…]',
  arity: { min: 1, max: 64 },
  description:
    'Enables a sink. Where its lines go is decided by the settings of the store alone: no request can have a server write to a file of its choice. Options may be repeated, not chosen.',
  examples: [{ command: 'secretctl audit enable -path=second file', explanation: 'The sink that the settings call "second".' }],
  options: {
    path: { type: 'text', value: 'NAME', description: 'The name of the sink in the settings (default: its type).' },
    description: { type: 'text', value: 'TEXT', description: 'For people.' },
    local: { type: 'flag', description: 'Accepted for compatibility.' },
    ...targetOptions,
  },
  async run(context, [type = '', ...rest], options) {
    const settings = await readBody(context, rest);
    return withSession(context, options, ['audit', 'enable'], async (session) => {
      const path = mountPath(options.text('path') ?? type);
      await session.request('write', `sys/audit/${path}`, {
        type,
        description: options.text('description') ?? '',
        options: settings,
        ...(options.given('local') ? { local: options.flag('local') } : {}),
      });
      return success(context, `Enabled the ${type} audit device at: ${path}/`);
    });
  },
};

export const disable: Command = sessionCommand(
  {
    path: ['audit', 'disable'],
    summary: 'Disable an audit sink',
    operands: 'PATH',
    arity: { min: 1, max: 1 },
    description:
      'Disables a sink; what it holds stays. The last one of a store can’t be disabled: nothing is served that is not audited.',
    examples: [{ command: 'secretctl audit disable second', explanation: 'One of several.' }],
    options: {},
  },
  async ({ context, session, operands }) => {
    const path = mountPath(operands[0]);
    await session.request('delete', `sys/audit/${path}`);
    return success(context, `Disabled audit device (if it was enabled) at: ${path}/`);
  },
);
