import type { Command } from './command.ts';

/** A command as the list of commands shows it, with the way to load the rest. */
export interface Listed {
  readonly name: string;
  readonly summary: string;
  load(): Promise<Command>;
}

/** A group of the main help. */
export interface Group {
  readonly title: string;
  readonly commands: readonly Listed[];
}

// Each file is loaded when its command runs and not before: the command line starts fast.
export const groups: readonly Group[] = [
  {
    title: 'Desired state',
    commands: [
      {
        name: 'init',
        summary: 'Make a workspace: a config repo with an encrypted store',
        load: async () => (await import('./init.ts')).init,
      },
    ],
  },
  {
    title: 'Operation',
    commands: [],
  },
];

export function allCommands(): readonly Listed[] {
  return groups.flatMap((group) => group.commands);
}
