import { randomDigits } from './canary.ts';

/** What the store of the canaries is to hold: a secret from every source, on both versions of kv, and who may read it. */
export const documents = `apiVersion: secretctl/v1
kind: SecretEngine
metadata: { name: kv }
spec: { type: kv, options: { version: "2" } }
---
apiVersion: secretctl/v1
kind: SecretEngine
metadata: { name: kv1 }
spec: { type: kv }
---
apiVersion: secretctl/v1
kind: PasswordPolicy
metadata: { name: pin }
spec:
  length: 24
  rules: [{ charset: "0123456789abcdefghijkmnpqrstuvwxyz" }]
---
apiVersion: secretctl/v1
kind: Policy
metadata: { name: app-read }
spec:
  rules:
    - { secret: kv/app/*, capabilities: [read, list] }
---
apiVersion: secretctl/v1
kind: AuthMethod
metadata: { name: ci }
spec: { type: approle }
---
apiVersion: secretctl/v1
kind: AuthBinding
metadata: { name: app }
spec: { method: ci, policies: [app-read], ttl: 10m }
---
apiVersion: secretctl/v1
kind: StaticSecret
metadata: { name: app/main }
spec:
  engine: kv
  customMetadata: { owner: payments }
  data:
    api_key: { sealed: "" }
    pem: { sealed: "" }
    umlaut: { sealed: "" }
    number: { sealed: "" }
    object: { sealed: "" }
    env: { fromEnv: CANARY_ENV }
    file: { fromFile: ../files/secret.txt }
    made: { generate: { length: 40 } }
    pin: { generate: { policy: pin } }
---
apiVersion: secretctl/v1
kind: StaticSecret
metadata: { name: plain }
spec:
  engine: kv1
  data:
    token: { sealed: "" }
`;

/** Makes a canary, random unless told. */
type Canaries = (name: string, value?: string) => string;

const head = (name: string): string => `apiVersion: secretctl/v1
kind: StaticSecret
metadata: { name: wrong/${name} }
spec:
  engine: kv
`;

/** Documents that can be read, and in which a secret stands where none belongs. */
export function wrongDocuments(canary: Canaries): ReadonlyMap<string, string> {
  const data = (name: string, text: string): readonly [string, string] => [`${name}.yaml`, `${head(name)}  data:\n${text}`];
  return new Map([
    data('plain', `    a: ${canary('plain value')}\n`),
    data('quoted', `    a: "${canary('quoted value')}"\n    b: '${canary('in single quotes')}'\n`),
    data('flow', `    { a: ${canary('in a flow map')}, b: [${canary('in a flow list')}] }\n`),
    data(
      'block',
      `    a: |\n      ${canary('in a block')}\n      ${canary('in its second line')}\n    b: >-\n      ${canary('in a folded block')}\n`,
    ),
    data('number', `    a: ${canary('number without quotes', randomDigits())}\n`),
    data('comment', `    a: # ${canary('in a comment')}\n    b: x # was ${canary('in another comment')}\n`),
    data('list', `    a:\n      - ${canary('in a list')}\n      - ${canary('last of a list')}\n`),
    data('misspelt', `    a: { seald: ${canary('under a misspelt source')} }\n    b: { value: ${canary('under no source')} }\n`),
    data(
      'sealed',
      `    a: { sealed: ${canary('as a sealed block')} }\n    b:\n      sealed: |\n        -----BEGIN AGE ENCRYPTED FILE-----\n        ${canary('inside of an armour')}\n        -----END AGE ENCRYPTED FILE-----\n`,
    ),
    data(
      'generate',
      `    a: { generate: ${canary('as parameters')} }\n    b: { generate: { length: ${canary('as a length')} } }\n    c: { generate: { length: 20, charset: ${canary('as a charset')} } }\n`,
    ),
    data(
      'env',
      `    a: { fromEnv: "${canary('as a variable')}!" }\n    b: { fromEnv: NAME, version: ${canary('as a version')} }\n    c: { fromEnv: NAME, value: ${canary('beside a source')} }\n`,
    ),
    data('two-sources', `    a: { generate: { length: 20 }, sealed: ${canary('beside another source')} }\n`),
    ['no-data.yaml', `${head('no-data')}  data: ${canary('in place of all fields')}\n`],
    [
      'outside.yaml',
      `${head('outside')}  data: { a: { generate: { length: 20 } } }\n  password: ${canary('under an unknown field')}\n  Data: { a: ${canary('under a misspelt field')} }\n`,
    ],
    [
      'metadata.yaml',
      `apiVersion: secretctl/v1\nkind: StaticSecret\nmetadata: { name: wrong/metadata, secret: ${canary('in metadata')} }\nspec: { engine: kv, data: { a: { generate: { length: 20 } } } }\n`,
    ],
    ['top.yaml', `${head('top')}  data: { a: { generate: { length: 20 } } }\nvalue: ${canary('at the top')}\n`],
    [
      'kind.yaml',
      `apiVersion: secretctl/v1\nkind: StaticSecrets\nmetadata: { name: x }\nspec: { engine: kv, data: { a: ${canary('in an unknown kind')} } }\n`,
    ],
    [
      'version.yaml',
      `apiVersion: v2\nkind: StaticSecret\nmetadata: { name: x }\nspec: { engine: kv, data: { a: ${canary('in another version')} } }\n`,
    ],
    ['not-a-document.yaml', `- ${canary('in a list that is no document')}\n`],
    ['scalar.yaml', `${canary('as a whole file')}\n`],
    [
      'each.yaml',
      `apiVersion: secretctl/v1\nkind: StaticSecret\nmetadata: { name: "wrong/\${each.key}" }\nforEach:\n  one: { value: ${canary('in forEach')} }\nspec:\n  engine: kv\n  data: { a: "\${each.value.value}", b: "x\${${canary('in what looks like a reference')}}y" }\n`,
    ],
    [
      'twice.yaml',
      `${head('twice')}  data: { a: ${canary('declared twice')} }\n---\n${head('twice')}  data: { a: ${canary('declared twice again')} }\n`,
    ],
    data('policy', `    a: { generate: { policy: "${canary('in place of a policy')} " } }\n`),
    [
      'binding.yaml',
      `apiVersion: secretctl/v1\nkind: AuthBinding\nmetadata: { name: wrong-binding }\nspec: { method: ci, secretId: ${canary('as a secret id')} }\n`,
    ],
    [
      'connection.yaml',
      ['x:URL@tcp(db)/', '"postgresql://x:URL@db/"', '"x@/?password=URL"', '>-\n    mongodb://x:URL@db/']
        .map((url, index) => url.replace('URL', canary(`in a connection URL ${index}`)))
        .map(
          (url) => `apiVersion: secretctl/v1\nkind: DatabaseConnection\nmetadata: { name: x }\nspec:\n  connectionUrl: ${url}\n`,
        )
        .join('---\n'),
    ],
    [
      'environment.yaml',
      `apiVersion: secretctl/v1\nkind: Environment\nmetadata: { name: wrong }\nspec:\n  patches: [{ target: StaticSecret/kv/app/main, spec: { data: { api_key: ${canary('in a patch')} } } }]\n`,
    ],
  ]);
}

/** Files that are no YAML, by something that stands just where the secret does. */
export function brokenFiles(canary: Canaries): ReadonlyMap<string, string> {
  const text = (name: string, data: string): readonly [string, string] => [name, `${head(name)}  data:\n${data}`];
  return new Map([
    text('open-quote', `    a: "${canary('behind an open quote')}\n    b: x\n`),
    text('open-single-quote', `    a: '${canary('behind an open single quote')}\n`),
    text('tab', `    a: x\n\tb: ${canary('behind a tab')}\n`),
    text('indentation', `    a: x\n   b: ${canary('at the wrong depth')}\n  c\n: y\n`),
    text('colon', `    a: ${canary('before a colon')}: ${canary('behind two colons')}\n`),
    text('alias', `    a: *${canary('as an alias')}\n    b: &${canary('as an anchor')} x\n`),
    text('tag', `    a: !${canary('as a tag')} x\n    b: !!binary ${canary('behind a tag')}\n`),
    text('twice', `    a: ${canary('of a key that is there twice')}\n    a: ${canary('of the second one')}\n`),
    text('flow', `    { a: ${canary('in an open flow map')}, b: [ ${canary('in an open flow list')}\n`),
    text(
      'reserved',
      `    a: @${canary('behind a reserved character')}\n    b: \`${canary('in backticks')}\`\n    c: %${canary('behind a percent sign')}\n`,
    ),
    text('complex-key', `    ? ${canary('as a complex key')}\n    : x\n    ? [ ${canary('in a complex key')} ]\n    : y\n`),
    text('merge', `    <<: ${canary('merged')}\n    a: x\n`),
    text('document', `    a: x\n--- ${canary('beside a document marker')}\n... ${canary('behind the end')}\n`),
    text('directive', `    a: x\n---\n%YAML ${canary('in a directive')}\n---\n`),
    text('escape', `    a: "\\q${canary('behind a wrong escape')}"\n`),
    text('block', `    a: |9${canary('in a block header')}\n      x\n    b: >${canary('in another block header')}\n`),
    text('control', `    a: "${canary('beside a control character')}\u0007"\n`),
    text('bare', `${canary('alone on a line')}\n    a: x\n`),
  ]);
}
