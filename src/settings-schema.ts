import { sinkSettingsSchema } from './audit/registry.ts';
import type { SpecSchema } from './kinds/kind.ts';

const path: SpecSchema = { type: 'string', minLength: 1, description: 'A path, relative to the settings file.' };
const text: SpecSchema = { type: 'string', minLength: 1, description: 'Text.' };
const duration: SpecSchema = { type: ['string', 'integer'], format: 'duration', description: 'A duration: 30s, 5m.' };

const tls: SpecSchema = {
  type: 'object',
  description: 'The certificate of the listener. SIGHUP reads the files again.',
  required: ['certFile', 'keyFile'],
  additionalProperties: false,
  properties: {
    certFile: { ...path, description: 'The certificate chain, PEM.' },
    keyFile: { ...path, description: 'Its private key, PEM, readable by its owner only.' },
    clientCaFile: { ...path, description: 'Clients must show a certificate of one of these authorities (PEM).' },
    minVersion: { enum: ['TLSv1.2', 'TLSv1.3'], default: 'TLSv1.2', description: 'The oldest version that is spoken.' },
  },
};

const listener: SpecSchema = {
  type: 'object',
  description: 'An address at which the server answers.',
  required: ['address'],
  additionalProperties: false,
  properties: {
    address: {
      type: 'string',
      pattern: '^(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9.-]+):[0-9]{1,5}$',
      description: 'HOST:PORT, as 127.0.0.1:8200 or [::1]:8200. Port 0: any that is free.',
    },
    tls,
    plaintext: {
      type: 'boolean',
      default: false,
      description: 'Serve without TLS at an address that other machines reach, because something in front of it speaks TLS.',
    },
    trustedProxies: {
      type: 'array',
      items: { type: 'string', format: 'cidr', description: 'An address or a block.' },
      description: 'Whose X-Forwarded-For is believed. Nobody’s unless they stand here.',
    },
  },
};

const limits: SpecSchema = {
  type: 'object',
  description: 'What one client may cost.',
  additionalProperties: false,
  properties: {
    maxBodyBytes: { type: 'integer', minimum: 1024, maximum: 1_073_741_824, description: 'The largest body (default 32 MiB).' },
    requestTimeout: { ...duration, description: 'How long a request may take (default 90s).' },
    maxConnections: { type: 'integer', minimum: 1, maximum: 1_000_000, description: 'Connections at once (default 8192).' },
  },
};

const server: SpecSchema = {
  type: 'object',
  description: 'How `secretctl server` serves the store.',
  additionalProperties: false,
  properties: {
    listeners: { type: 'array', items: listener, maxItems: 16, description: 'Where it listens (default 127.0.0.1:8200).' },
    clusterName: { ...text, maxLength: 128, description: 'A name for people, as sys/health tells it.' },
    socket: { ...path, description: 'The unix socket for commands on this machine (default server.sock).' },
    limits,
    allowUnauthenticated: {
      type: 'array',
      uniqueItems: true,
      items: { enum: ['generate-root', 'rekey'], description: 'A ceremony.' },
      description:
        'Ceremonies that may be begun and ended without a token, by whoever reaches the server; the shares are needed all the same. To recover a lost root token.',
    },
    shutdownGrace: { ...duration, description: 'How long requests may go on once the server is told to stop (default 10s).' },
    log: {
      type: 'object',
      description: 'What the server says of itself, on standard error.',
      additionalProperties: false,
      properties: {
        level: { enum: ['debug', 'info', 'warn', 'error'], default: 'info', description: 'The least that is worth a line.' },
        format: { enum: ['text', 'json'], description: 'Default: text on a terminal, else json.' },
      },
    },
    telemetry: {
      type: 'object',
      description: 'Metrics and traces.',
      additionalProperties: false,
      properties: {
        unauthenticatedMetrics: { type: 'boolean', default: false, description: 'sys/metrics answers without a token.' },
        otlpEndpoint: {
          type: 'string',
          pattern: '^https?://',
          description: 'Send OpenTelemetry traces to this OTLP/HTTP address (http://127.0.0.1:4318).',
        },
      },
    },
  },
};

const sealProperties: Readonly<Record<string, SpecSchema>> = {
  type: { enum: ['static', 'shamir', 'awskms'], description: 'What protects the root key.' },
  keyFile: { ...path, description: 'static: the key file (default: the user’s configuration directory).' },
  keyId: { ...text, description: 'awskms: the id, ARN or alias of the KMS key.' },
  region: { ...text, description: 'awskms: the region of the key.' },
  endpoint: {
    type: 'string',
    pattern: '^https?://',
    description: 'awskms: another endpoint than the region’s (a VPC endpoint).',
  },
  encryptionContext: {
    type: 'object',
    description: 'awskms: pairs that each use of the key is bound to, besides the store’s id. CloudTrail shows them.',
    maxProperties: 16,
    additionalProperties: { ...text, maxLength: 256 },
  },
};

const seal: SpecSchema = {
  type: 'object',
  description: 'The seal of the store.',
  required: ['type'],
  additionalProperties: false,
  properties: {
    ...sealProperties,
    migrateFrom: {
      type: 'object',
      description: 'The seal that the store still has, while it is migrated to this one.',
      required: ['type'],
      additionalProperties: false,
      properties: sealProperties,
    },
  },
  allOf: [
    {
      if: { required: ['type'], properties: { type: { const: 'awskms' } } },
      then: { required: ['keyId'] },
    },
  ],
};

/** The schema of `settings.yaml`. It holds no secret. */
export const settingsSchema: SpecSchema = {
  type: 'object',
  description: 'The settings of a store and of its server.',
  required: ['storage', 'seal', 'audit'],
  additionalProperties: false,
  properties: {
    storage: {
      type: 'object',
      description: 'Where the encrypted store is.',
      required: ['type', 'path'],
      additionalProperties: false,
      properties: { type: { const: 'lmdb', description: 'An LMDB file.' }, path },
    },
    seal,
    audit: {
      type: 'object',
      description:
        'The audit sinks by name. They are enabled and disabled by name, with AuditDevice documents or sys/audit; where they write to stands only here.',
      minProperties: 1,
      additionalProperties: sinkSettingsSchema,
    },
    server,
  },
};
