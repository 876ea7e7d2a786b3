import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { ServedStore } from './server-process.ts';

/** A receiver that takes connections and reads what comes only while it is told to. */
async function receiver(): Promise<{ port: number; stall(): void; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    port,
    stall: () => {
      for (const socket of sockets) socket.pause();
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** A body whose audit line has many values. */
const many = Object.fromEntries(Array.from({ length: 400 }, (_, at) => [`k${at}`, 'value']));
const attempts = 600;

describe('an audit sink that hangs', () => {
  test('is set aside while another takes every line: requests go on, and the log says so', async () => {
    const sink = await receiver();
    const store = new ServedStore();
    const sinks = `  file: { type: file, path: audit/audit.log }\n  net: { type: socket, address: "127.0.0.1:${sink.port}", timeout: 1s }\n`;
    store.settings('{ type: static }', '', sinks);
    const server = await store.serve();
    await server.call('POST', 'sys/mounts/kv', { type: 'kv' });
    sink.stall();
    let index = 0;
    for (; index < attempts && !store.auditText().includes('"event":"sink-failed"'); index++) {
      expect((await server.call('PUT', `kv/${index}`, many)).status).toBe(204);
    }
    expect(store.auditText()).toMatch(/"event":"sink-failed"[^\n]*"sink":"net"/);
    expect(store.auditText()).toContain(`kv/${index - 1}`);
    expect((await server.call('PUT', 'kv/after', many)).status).toBe(204);
    sink.close();
    await server.stop();
  });

  test('and is the only one ends in a refusal that says so: nothing is changed or told', async () => {
    const sink = await receiver();
    const store = new ServedStore();
    store.settings('{ type: static }', '', `  net: { type: socket, address: "127.0.0.1:${sink.port}", timeout: 1s }\n`);
    const server = await store.serve();
    await server.call('POST', 'sys/mounts/kv', { type: 'kv' });
    sink.stall();
    let answer = await server.call('PUT', 'kv/0', many);
    for (let index = 1; index < attempts && answer.status === 204; index++)
      answer = await server.call('PUT', `kv/${index}`, many);
    expect(answer.status).toBe(500);
    expect(String((answer.body?.['errors'] as string[])[0])).toMatch(/^the audit log can't be written/);
    const read = await server.call('GET', 'kv/0');
    expect(read.status).toBe(500);
    expect(JSON.stringify(read.body)).not.toContain('value');
    sink.close();
    await server.stop();
  });
});
