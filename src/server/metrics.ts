import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Json, JsonObject } from '../base/json.ts';
import type { ControllerStatus } from '../core/controller.ts';
import type { Route } from '../core/mount-type.ts';
import type { Reply } from '../protocol/reply.ts';
import { badRequest } from '../protocol/request-error.ts';
import type { Request } from '../protocol/request.ts';

/** What the metrics read when they are asked for. */
export interface Measured {
  readonly sealed: boolean;
  readonly controllers: readonly ControllerStatus[];
  readonly sinks: readonly { readonly name: string; readonly problem: string | null }[];
  /** Lines of the audit log. */
  readonly auditLines: number;
}

const kinds = ['sys', 'auth', 'identity', 'cubbyhole'];

/** The metrics of a server. Labels take few values, whatever clients send: no path, no name of a secret is one. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<'operation' | 'area' | 'status'>;
  readonly #duration: Histogram<'operation' | 'area'>;
  readonly #underWay: Gauge;

  constructor(measure: () => Measured) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#requests = new Counter({
      name: 'secretctl_requests_total',
      help: 'Requests by operation, area of the API and status of the answer.',
      labelNames: ['operation', 'area', 'status'],
      registers,
    });
    this.#duration = new Histogram({
      name: 'secretctl_request_duration_seconds',
      help: 'From the whole request to its answer.',
      labelNames: ['operation', 'area'],
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers,
    });
    this.#underWay = new Gauge({ name: 'secretctl_requests_in_flight', help: 'Requests that are being carried out.', registers });
    gauge(registers, 'secretctl_sealed', '1 while the store is sealed.', [], (set) => set({}, measure().sealed ? 1 : 0));
    gauge(registers, 'secretctl_audit_lines', 'Lines of the audit log.', [], (set) => set({}, measure().auditLines));
    gauge(registers, 'secretctl_audit_sink_up', '1 while an audit sink takes lines.', ['sink'], (set) => {
      for (const { name, problem } of measure().sinks) set({ sink: name }, problem === null ? 1 : 0);
    });
    const perController = (name: string, help: string, value: (status: ControllerStatus) => number | null) =>
      gauge(registers, `secretctl_controller_${name}`, help, ['controller'], (set) => {
        for (const status of measure().controllers) set({ controller: status.name }, value(status) ?? 0);
      });
    perController('queue_depth', 'Keys that wait for their turn.', ({ depth }) => depth);
    perController('failing_keys', 'Keys whose last step failed.', ({ failing }) => failing);
    perController('steps_total', 'Steps that succeeded.', ({ successes }) => successes);
    perController('failures_total', 'Steps that failed.', ({ failures }) => failures);
    perController('last_success_timestamp_seconds', 'When a step last succeeded; 0: never.', ({ lastSuccess }) =>
      seconds(lastSuccess),
    );
    perController('next_run_timestamp_seconds', 'When it next looks; 0: it does not run.', ({ nextRun }) => seconds(nextRun));
  }

  /** A request begins; call the result with the status of its answer. */
  begin({ operation, path }: Request): (status: number) => void {
    const area = areaOf(path);
    this.#underWay.inc();
    const end = this.#duration.startTimer({ operation, area });
    return (status) => {
      end();
      this.#underWay.dec();
      this.#requests.inc({ operation, area, status: String(status) });
    };
  }

  /** `sys/metrics`, for Prometheus and as the JSON of the Vault API. */
  route(unauthenticated: boolean): Route {
    return {
      path: 'metrics',
      summary: 'What the server measures.',
      operations: {
        read: {
          summary: 'Reads it; ?format=prometheus gives the text form.',
          unauthenticated,
          fields: { format: { type: 'string', description: '`prometheus`, or nothing for JSON.' } },
          handle: ({ data, request }) => this.#read(String(data.format ?? ''), request),
        },
      },
    };
  }

  async #read(format: string, { headers }: Request): Promise<Reply> {
    const accepted = headers?.accept ?? '';
    if (format === 'prometheus' || (format === '' && /^(application\/openmetrics-text|text\/plain)/.test(accepted))) {
      const text = await this.#registry.metrics();
      return { body: { contentType: this.#registry.contentType, bytes: Buffer.from(text) } };
    }
    if (format !== '') throw badRequest(`metric response format should be json or prometheus, not ${JSON.stringify(format)}`);
    return { json: await this.#asJson() };
  }

  async #asJson(): Promise<JsonObject> {
    const lists: Record<'Gauges' | 'Counters' | 'Samples', Json[]> = { Gauges: [], Counters: [], Samples: [] };
    for (const { name, type, values } of await this.#registry.getMetricsAsJSON()) {
      const list = String(type) === 'counter' ? lists.Counters : String(type) === 'gauge' ? lists.Gauges : lists.Samples;
      for (const { value, labels, ...more } of values) {
        const metricName = (more as { metricName?: string }).metricName ?? name;
        list.push({ Name: metricName, Value: value, Labels: labels as JsonObject });
      }
    }
    return { ...lists, Points: [] };
  }
}

function gauge<L extends string>(
  registers: Registry[],
  name: string,
  help: string,
  labelNames: L[],
  read: (set: (labels: Partial<Record<L, string>>, value: number) => void) => void,
): Gauge<L> {
  return new Gauge<L>({
    name,
    help,
    labelNames,
    registers,
    collect() {
      this.reset();
      read((labels, value) => this.set(labels, value));
    },
  });
}

/** Secrets are all alike: which mount a request went to is nobody’s business who reads metrics. */
function areaOf(path: string): string {
  const first = path.slice(0, Math.max(0, path.indexOf('/')));
  return kinds.includes(first) ? first : 'secret';
}

function seconds(milliseconds: number | null): number {
  return milliseconds === null ? 0 : milliseconds / 1000;
}
