import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import { ServedStore } from './server-process.ts';

test('Metrics count requests by area and status, name no secret, and want a token unless the settings say otherwise', async () => {
  const store = new ServedStore();
  store.settings('{ type: static }');
  const server = await store.serve();
  await server.call('POST', 'sys/mounts/kv', { type: 'kv' });
  await server.call('PUT', 'kv/canary-path', { x: 'canary-value' });
  await server.call('GET', 'kv/missing');
  expect((await server.call('GET', 'sys/metrics', undefined, null)).status).toBe(403);
  const response = await fetch(`${server.address}/v1/sys/metrics?format=prometheus`, {
    headers: { 'X-Vault-Token': store.token },
  });
  const text = await response.text();
  expect(response.headers.get('content-type')).toContain('text/plain');
  expect(text).toContain('secretctl_requests_total{operation="write",area="secret",status="204"} 1');
  expect(text).toContain('secretctl_requests_total{operation="read",area="secret",status="404"} 1');
  expect(text).toContain('secretctl_sealed 0');
  expect(text).toContain('secretctl_audit_sink_up{sink="file"} 1');
  expect(text).toContain('secretctl_controller_queue_depth{controller="token-expiry"} 0');
  expect(text).not.toContain('canary');
  expect((await server.call('GET', 'sys/metrics')).body).toMatchObject({
    Gauges: expect.any(Array),
    Counters: expect.any(Array),
  });
  await server.stop();

  const open = new ServedStore();
  open.settings('{ type: static }', '  telemetry: { unauthenticatedMetrics: true }\n');
  const other = await open.serve();
  expect((await other.call('GET', 'sys/metrics', undefined, null)).status).toBe(200);
  await other.stop();
});

test('Traces of requests go to an OTLP endpoint, join the caller’s trace, and name no secret', async () => {
  const bodies: string[] = [];
  const collector = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      bodies.push(`${request.url} ${body}`);
      response.setHeader('Content-Type', 'application/json').end('{}');
    });
  });
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const { port } = collector.address() as { port: number };
  const store = new ServedStore();
  store.settings('{ type: static }', `  telemetry: { otlpEndpoint: "http://127.0.0.1:${port}" }\n`);
  const server = await store.serve();
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  await fetch(`${server.address}/v1/kv/canary-path`, {
    headers: { 'X-Vault-Token': store.token, traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
  });
  // What waits is sent before it ends.
  expect(await server.stop()).toBe(0);
  collector.close();
  const sent = bodies.join('\n');
  expect(sent).toContain('/v1/traces');
  expect(sent).toContain(traceId);
  expect(sent).toContain('secretctl.request_id');
  expect(sent).not.toContain('canary');
});

test('A server ends in order where nobody takes its traces', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  taken.close();
  await once(taken, 'close');
  const store = new ServedStore();
  store.settings('{ type: static }', `  telemetry: { otlpEndpoint: "http://127.0.0.1:${port}" }\n`);
  const server = await store.serve();
  await server.call('GET', 'sys/mounts');
  expect(await server.stop()).toBe(0);
  expect(server.log).toContain('the last traces were lost');
});

test('What is being done shows the requests under way with their paths, without what they carry', async () => {
  const store = new ServedStore();
  store.settings('{ type: static }');
  const server = await store.serve();
  expect((await server.call('GET', 'sys/in-flight-req', undefined, null)).status).toBe(403);
  const { status, body } = await server.call('GET', 'sys/in-flight-req');
  expect(status).toBe(200);
  const requests = Object.entries(body ?? {});
  expect(requests).toEqual([
    [
      expect.stringMatching(/^[0-9a-f-]{36}$/),
      {
        start_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        client_remote_address: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        request_path: '/v1/sys/in-flight-req',
        request_method: 'GET',
        client_id: '',
      },
    ],
  ]);
  expect(Object.keys((await server.call('GET', 'sys/in-flight-req')).body ?? {})).not.toContain(requests[0]?.[0]);
  expect(await server.stop()).toBe(0);
});
