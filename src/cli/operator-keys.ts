import type { JsonObject } from '../base/json.ts';
import { inOrder, keyValues, printJson, table } from './output.ts';
import { sessionCommand, success } from './session-command.ts';
import { isJsonObject } from '../base/json.ts';

export const keyStatus = sessionCommand(
  {
    path: ['operator', 'key-status'],
    summary: 'Show the present encryption key',
    operands: '',
    arity: { min: 0, max: 0 },
    description: 'Shows the term of the keyring, when it was made, and how often it was used.',
    examples: [{ command: 'secretctl operator key-status', explanation: 'Is it time to rotate?' }],
    options: {},
  },
  async ({ context, session }) => {
    const { term, install_time: installed, encryptions } = (await session.request('read', 'sys/key-status')).data ?? {};
    const shown: JsonObject = { term: term ?? null, install_time: installed ?? null, encryptions: encryptions ?? null };
    if (context.json) printJson(context, shown);
    else
      context.terminal.out(
        inOrder({
          'Key Term': shown.term ?? null,
          'Install Time': shown.install_time ?? null,
          'Encryption Count': shown.encryptions ?? null,
        }),
      );
    return 0;
  },
);

export const check = sessionCommand(
  {
    path: ['operator', 'check'],
    summary: 'Check that every record of a served store opens',
    operands: '',
    arity: { min: 0, max: 0 },
    description:
      'Opens every record as it lies on the medium, while the store is used. Finds damage, not what is missing. Takes a while on a large store, and needs sudo.\nExit codes: 0 whole, 2 damaged.',
    examples: [{ command: 'secretctl operator check', explanation: 'After trouble with a disk.' }],
    options: {},
  },
  async ({ context, session }) => {
    const data = (await session.request('read', 'sys/storage/check', {}, { long: true })).data ?? {};
    if (context.json) printJson(context, data);
    else context.terminal.out(keyValues(data));
    return Number(data.damaged) > 0 ? 2 : 0;
  },
);

export const stepDown = sessionCommand(
  {
    path: ['operator', 'step-down'],
    summary: 'Have the leader give up its lead',
    operands: '',
    arity: { min: 0, max: 0 },
    description: 'Has the leading server of several give up its lead, so that another one takes it. A single server keeps it.',
    examples: [{ command: 'secretctl operator step-down', explanation: 'Before maintenance of a leader.' }],
    options: {},
  },
  async ({ context, session }) => {
    await session.request('write', 'sys/step-down');
    return success(context, `Stepped down: ${session.connection.address ?? 'this store'}`);
  },
);

export const members = sessionCommand(
  {
    path: ['operator', 'members'],
    summary: 'List the servers of one store',
    operands: '',
    arity: { min: 0, max: 0 },
    examples: [{ command: 'secretctl operator members', explanation: 'Who leads?' }],
    options: {},
  },
  async ({ context, session }) => {
    const { nodes } = (await session.request('read', 'sys/ha-status')).data ?? {};
    const known = (Array.isArray(nodes) ? nodes : []).filter(isJsonObject);
    if (context.json) printJson(context, known);
    else
      context.terminal.out(
        table(
          ['Host Name', 'API Address', 'Cluster Address', 'Active Node', 'Version', 'Last Echo'],
          known.map((node) =>
            ['hostname', 'api_address', 'cluster_address', 'active_node', 'version', 'last_echo'].map(
              (name) => String(node[name] ?? '') || 'n/a',
            ),
          ),
        ),
      );
    return 0;
  },
);
