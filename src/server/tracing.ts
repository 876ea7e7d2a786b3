import { context, type Context, propagation, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import type { Request } from '../protocol/request.ts';

/** Traces of requests, one span each. It says what was done, not to which secret. */
export interface Tracing {
  /** A request begins; call the result with the status of its answer. */
  begin(request: Request): (status: number) => void;
  /** Sends what waits. Rejects where nobody takes it, after some seconds. */
  stop(): Promise<void>;
}

/** How long a batch of traces is offered, with its retries: a server that ends waits for the last one. */
const timeoutMillis = 3000;

/** Sends traces to an OTLP/HTTP endpoint. The SDK is loaded by whoever asks for it, and by nobody else. */
export async function startTracing(endpoint: string, version: string): Promise<Tracing> {
  const [{ BasicTracerProvider, BatchSpanProcessor }, { OTLPTraceExporter }, { resourceFromAttributes }, w3c] = await Promise.all(
    [
      import('@opentelemetry/sdk-trace-base'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/core'),
    ],
  );
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces`, timeoutMillis });
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'secretctl', 'service.version': version }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  propagation.setGlobalPropagator(new w3c.W3CTraceContextPropagator());
  const tracer = provider.getTracer('secretctl', version);
  return { begin: (request) => begin(tracer, request), stop: () => provider.shutdown() };
}

function begin(tracer: Tracer, request: Request): (status: number) => void {
  const parent: Context = propagation.extract(context.active(), request.headers ?? {});
  const [area = ''] = request.path.split('/', 1);
  const attributes = { 'secretctl.request_id': request.id, 'secretctl.operation': request.operation };
  const name = area === 'sys' || area === 'auth' ? `${request.operation} ${area}` : request.operation;
  const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parent);
  return (status) => {
    span.setAttribute('http.response.status_code', status);
    if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  };
}
