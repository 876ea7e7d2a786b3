import { type CorridorParts, runOf } from './corridor.ts';
import { keyringRotationRoutes } from './keyring-rotation.ts';
import type { Route } from './mount-type.ts';
import { noContent } from '../protocol/reply.ts';

/** `sys/key-status` and `sys/rotate*`: the keys under which records are encrypted. */
export function barrierRoutes(parts: CorridorParts): readonly Route[] {
  return [
    {
      path: 'key-status',
      summary: 'The newest term of the keyring.',
      operations: {
        read: {
          summary: 'Reads it.',
          handle: async (context) => {
            const status = await parts.barrier.status(runOf(context).tx);
            return {
              data: {
                term: status.term,
                install_time: new Date(status.installTime).toISOString(),
                encryptions: status.encryptions,
              },
            };
          },
        },
      },
    },
    ...['rotate', 'rotate/keyring'].map((path) => rotateRoute(parts, path)),
    ...keyringRotationRoutes,
    {
      path: 'rotate/rewrap',
      summary: 'Encrypts anew some of what older keys still cover, from where the last call ended.',
      operations: {
        write: {
          summary: 'Takes one step; `done`: no record is under an older key any more.',
          sudo: true,
          handle: async (context) => ({ data: { ...(await parts.barrier.rewrapStep(runOf(context).tx)) } }),
        },
      },
    },
    {
      path: 'seal/rekey',
      summary:
        'Whether the caller may replace the root key and its shares. The command line does so next to it, where the shares are shown.',
      operations: { write: { summary: 'Asks for it.', sudo: true, handle: () => Promise.resolve(noContent) } },
    },
  ];
}

/** `sys/rotate` and its newer name. */
function rotateRoute(parts: CorridorParts, path: string): Route {
  return {
    path,
    summary: 'Adds a term to the keyring and a generation to every mount’s data key; what is written from now on uses them.',
    operations: {
      write: {
        summary: 'Rotates the keys.',
        sudo: true,
        handle: async (context) => {
          await parts.barrier.rotate(runOf(context).tx);
          return noContent;
        },
      },
    },
  };
}
