/** Where a database server is, and who may do everything there. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
}

/** Reads `scheme://user:password@host:port`. */
export function readServerAddress(text: string, defaultPort: number): ServerAddress {
  const { hostname: host, port, username, password } = new URL(text);
  return {
    host,
    port: Number(port || defaultPort),
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
  };
}
