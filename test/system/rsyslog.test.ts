import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileSink } from '../../src/audit/file-sink.ts';
import { openAuditLog, type AuditLog } from '../../src/audit/log.ts';
import { createSink } from '../../src/audit/registry.ts';
import { verifyLogFile } from '../../src/audit/verify.ts';
import { entryOf, logBasics, numbered, requestTo, storeId } from '../audit/entries.ts';

// Needs rsyslogd with its module for TLS (Debian: apt-get install rsyslog rsyslog-gnutls).
const certificates = resolve(import.meta.dirname, '../client/certificates');

const turn = () => new Promise<void>((done) => setImmediate(done));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Can somebody connect there? */
function listens(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => (socket.destroy(), done(true)));
    socket.once('error', () => done(false));
  });
}

interface Rsyslog {
  readonly folder: string;
  readonly ports: { readonly tcp: number; readonly udp: number; readonly tls: number };
  readonly socket: string;
  /** The messages as they came in, one a line. */
  received(): string;
  start(): Promise<void>;
  kill(signal: NodeJS.Signals): Promise<void>;
}

async function makeRsyslog(): Promise<Rsyslog> {
  const folder = mkdtempSync(join(tmpdir(), 'secretctl-rsyslog-'));
  const ports = { tcp: await freePort(), udp: await freePort(), tls: await freePort() };
  const [socket, output, pid] = [join(folder, 'log'), join(folder, 'received'), join(folder, 'pid')];
  // Its limit for messages stays what it is: ours must fit.
  writeFileSync(
    join(folder, 'rsyslog.conf'),
    `global(workDirectory="${folder}"
       defaultNetstreamDriverCAFile="${certificates}/ca.pem"
       defaultNetstreamDriverCertFile="${certificates}/server.pem"
       defaultNetstreamDriverKeyFile="${certificates}/server-key.pem")
     module(load="imuxsock" SysSock.Use="off")
     module(load="imudp")
     module(load="imtcp")
     template(name="bare" type="string" string="%msg%\\n")
     template(name="meta" type="string" string="%pri% %app-name% %msgid% %structured-data% %timereported:::date-rfc3339%\\n")
     ruleset(name="keep") {
       action(type="omfile" file="${output}" template="bare" fileCreateMode="0600")
       action(type="omfile" file="${output}.meta" template="meta" fileCreateMode="0600")
     }
     input(type="imuxsock" Socket="${socket}" CreatePath="on" UseSpecialParser="off" ParseHostname="on" RateLimit.Interval="0" ruleset="keep")
     input(type="imudp" address="127.0.0.1" port="${ports.udp}" ruleset="keep")
     input(type="imtcp" address="127.0.0.1" port="${ports.tcp}" ruleset="keep")
     input(type="imtcp" address="127.0.0.1" port="${ports.tls}" ruleset="keep"
           StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="anon")
    `,
  );
  let child: ChildProcess | null = null;
  return {
    folder,
    ports,
    socket,
    received: () => (existsSync(output) ? readFileSync(output, 'utf8') : ''),
    async start() {
      const started = spawn('rsyslogd', ['-n', '-f', join(folder, 'rsyslog.conf'), '-i', pid], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      child = started;
      let ended = false;
      let said = '';
      started.once('exit', () => (ended = true));
      started.stderr.on('data', (text: Buffer) => (said += text.toString()));
      while (!(existsSync(socket) && (await listens(ports.tcp)) && (await listens(ports.tls)))) {
        if (ended) throw new Error(`rsyslogd ended: ${said}`);
        await turn();
      }
    },
    async kill(signal) {
      if (child === null || child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill(signal);
      if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') await ended;
    },
  };
}

let rsyslog: Rsyslog;
const logs: AuditLog[] = [];
beforeEach(async () => {
  rsyslog = await makeRsyslog();
  await rsyslog.start();
});
afterEach(async () => {
  for (const log of logs.splice(0)) await log.close();
  await rsyslog.kill('SIGKILL');
  rmSync(rsyslog.folder, { recursive: true });
});

const sinkTo = (options: Readonly<Record<string, string>>) =>
  createSink({ name: 'syslog', type: 'syslog', options: { timeout: '2s', ...options } });

/** A log in a file and in rsyslog. */
async function open(options: Readonly<Record<string, string>>): Promise<{ log: AuditLog; path: string }> {
  const path = join(rsyslog.folder, 'audit.log');
  const sinks = [fileSink('file', path), sinkTo(options)];
  const log = await openAuditLog({ ...logBasics, sinks, enabled: sinks.map(({ name }) => name) });
  logs.push(log);
  return { log, path };
}

async function receivedUntil(text: string): Promise<string> {
  for (;;) {
    const received = rsyslog.received();
    if (received.includes(text) && received.endsWith('\n')) return received;
    await turn();
  }
}

const entry = (number: number) =>
  entryOf({ request: requestTo(`kv/team/data/${number}`, { data: { password: `p${number}` } }), auth: null });

describe('rsyslog', () => {
  const transports: readonly [string, () => Readonly<Record<string, string>>][] = [
    ['a unix socket for datagrams', () => ({ transport: 'unix', path: rsyslog.socket })],
    ['udp', () => ({ transport: 'udp', address: `127.0.0.1:${rsyslog.ports.udp}` })],
    ['tcp with octet counting', () => ({ transport: 'tcp', address: `127.0.0.1:${rsyslog.ports.tcp}` })],
    ['tls', () => ({ transport: 'tls', address: `localhost:${rsyslog.ports.tls}`, caFile: `${certificates}/ca.pem` })],
  ];
  for (const [name, options] of transports) {
    it(`over ${name} keeps every line byte for byte: what it wrote is a log that verifies`, async () => {
      const { log, path } = await open({ ...options(), facility: 'LOCAL3', tag: 'vault' });
      // Datagrams are not held back for a receiver that falls behind.
      for (let number = 0; number < 200; number++) await log.append([entry(number), numbered(number)]);
      await log.append([numbered(9999)]);
      const received = await receivedUntil('"number":9999');
      expect(received).toBe(readFileSync(path, 'utf8'));
      expect(await verifyLogFile(join(rsyslog.folder, 'received'), { storeId, anchor: log.head() })).toMatchObject({
        outcome: 'ok',
        first: 1,
      });
      const meta = readFileSync(join(rsyslog.folder, 'received.meta'), 'utf8').split('\n')[0] ?? '';
      expect(meta).toMatch(/^158 vault audit - \d{4}-\d\d-\d\dT/);
    });
  }

  it('cuts nothing off: a line that is too long for it comes in parts, which joined are the line', async () => {
    const { log, path } = await open({ transport: 'tcp', address: `127.0.0.1:${rsyslog.ports.tcp}` });
    const many = Array.from({ length: 2000 }, (_, number) => number);
    await log.append([numbered(1), entryOf({ request: requestTo('kv/team/data/app', { data: { many } }) }), numbered(9999)]);
    const received = await receivedUntil('"number":9999');
    const meta = readFileSync(join(rsyslog.folder, 'received.meta'), 'utf8').split('\n');
    const lines = received.split('\n').map((text, index) => {
      const part = /\[part@32473 line="2" n="(\d+)" of="(\d+)"\]/.exec(meta[index] ?? '');
      return part === null || part[1] === part[2] ? `${text}\n` : text;
    });
    expect(lines.length).toBeGreaterThan(20);
    expect(lines.join('').trimEnd()).toBe(readFileSync(path, 'utf8').trimEnd());
  });

  it('that is killed and started again is sent what it lacks', async () => {
    const { log, path } = await open({ transport: 'tcp', address: `127.0.0.1:${rsyslog.ports.tcp}` });
    await log.append([numbered(1)]);
    await receivedUntil('"number":1}');
    await rsyslog.kill('SIGKILL');
    for (let number = 2; log.health()[1]?.problem === null; number++) {
      await log.append([numbered(number)]);
      await turn();
    }
    for (let number = 100; number < 150; number++) await log.append([numbered(number)]);
    await rsyslog.start();
    while (log.retryAt() !== null) {
      await log.retry();
      await turn();
    }
    await log.append([numbered(9999)]);
    const received = new Set((await receivedUntil('"number":9999')).split('\n'));
    const lines = readFileSync(path, 'utf8').split('\n');
    const failed = lines.findIndex((line) => line.includes('"event":"sink-failed"'));
    expect(failed).toBeGreaterThan(0);
    // All that was not handed to the system before the connection broke.
    const after = Number(/"after":(\d+),"event":"sink-failed"/.exec(lines[failed] ?? '')?.[1]);
    for (const line of lines.slice(after)) expect(received.has(line)).toBe(true);
  });

  it('that is stopped does not stop the log', async () => {
    const { log } = await open({ transport: 'unix', path: rsyslog.socket, timeout: '200ms' });
    await log.append([numbered(1)]);
    await receivedUntil('"number":1}');
    await rsyslog.kill('SIGSTOP');
    for (let number = 2; log.health()[1]?.problem === null; number++) await log.append([numbered(number)]);
    expect(log.health()[1]?.problem).toMatch(/did not answer within 0.2 s/);
    await log.append([numbered(5000)]);
    await rsyslog.kill('SIGCONT');
    while (log.retryAt() !== null) {
      await log.retry();
      await turn();
    }
    await log.append([numbered(9999)]);
    expect(await receivedUntil('"number":9999')).toContain('"number":5000');
  });
});
