/** Command lines that are refused, and in which a secret stands where it does not belong, or is given on standard input. */
export function wrongEncrypts(secret: string): readonly (readonly string[])[] {
  const address = 'StaticSecret/kv/app/main';
  return [
    ['StaticSecret/kv/app/nowhere', 'data.x', '-write'],
    ['StaticSecret/none/x', 'data.x'],
    [address, 'metadata.x'],
    [address, 'data..x'],
    [address],
    ['-json-value', address, 'data.number'],
    ['-recipient', 'age1nonsense', address, 'data.api_key'],
    ['-recipient', `AGE-SECRET-KEY-${secret.toUpperCase()}`, address, 'data.api_key'],
    ['-from-file', '../missing', address, 'data.api_key'],
    [address, 'data.api_key', secret],
    [secret, 'data.api_key'],
    [address, secret],
    [address, 'data.api_key', `-from-file=${secret}`],
    [address, 'data.api_key', `-${secret}`],
    [address, 'data.api_key', `-value=${secret}`],
  ].map((words) => ['encrypt', ...words]);
}

export function wrongWrites(secret: string): readonly (readonly string[])[] {
  return [
    ['kv', 'put', 'kv/app/x', secret],
    ['kv', 'put', 'kv/app/x', `=${secret}`],
    ['kv', 'put', 'kv/app/x', `a=@${secret}`],
    ['kv', 'put', 'kv/app/x', `@${secret}`],
    ['kv', 'put', 'kv/app/x', '@../broken.json'],
    ['kv', 'put', 'kv/app/x', '@../list.json'],
    ['kv', 'put', 'kv/app/x', 'a=@../missing.json', `b=${secret}`],
    ['kv', 'put', 'kv/app/x', 'a=-', 'b=-', `c=${secret}`],
    ['kv', 'put', 'kv/app/x', '-'],
    ['kv', 'put', 'nowhere/app/x', `a=${secret}`],
    ['kv', 'put', '-cas=77', 'kv/app/main', `a=${secret}`],
    ['kv', 'put', `-cas=${secret}`, 'kv/app/main', 'a=b'],
    ['kv', 'put', 'kv/app/x', `a=${secret}`, '-unknown'],
    ['kv', 'put', 'kv/app/x', `-a=${secret}`],
    ['kv', 'put', 'kv//x', `a=${secret}`],
    ['kv', 'patch', 'kv1/plain', `a=${secret}`],
    ['kv', 'get', 'kv/app/main', secret],
    ['kv', 'metadata', 'put', '-custom-metadata', secret, 'kv/app/main'],
    ['kv', 'metadata', 'put', `-max-versions=${secret}`, 'kv/app/main'],
    ['kv', 'putt', 'kv/app/x', `a=${secret}`],
    ['kv', secret],
    [secret],
    ['write', 'sys/nothing', `a=${secret}`],
    ['write', 'auth/token/create', `ttl=${secret}`],
    ['write', 'auth/token/create', `num_uses=${secret}`],
    ['write', 'auth/token/create', `id=${secret} ${secret}`],
    ['write', 'sys/mounts/kv/tune', `max_lease_ttl=${secret}`],
    ['write', 'kv/data/app/x', `data=${secret}`],
    ['-token', secret, 'kv', 'get', 'kv/app/main'],
    ['version', secret],
    ['state', 'show', 'StaticSecret/kv/app/main', secret],
    ['token', 'create', `-ttl=${secret}`],
    ['token', 'create', '-metadata', secret],
    ['token', 'lookup', secret],
    ['token', 'renew', secret],
    ['token', 'capabilities', secret, 'kv/data/x'],
    ['policy', 'write', 'p', '-'],
    ['operator', 'status', secret],
    ['plan', '-lock-timeout', secret],
  ];
}

export function wrongVariables(secret: string): readonly (readonly string[])[] {
  return [
    [`-var=${secret}`],
    ['-var', secret],
    [`-var==${secret}`],
    [`-var=unknown=${secret}`],
    [`-var=ttl=${secret}`],
    [`-var=count=${secret}`],
    ['-var-file=../broken-vars.yaml'],
    ['-var-file=../unknown-vars.yaml'],
    ['-var-file=../list-vars.yaml'],
  ];
}
