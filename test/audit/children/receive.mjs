// Listens at a free TCP port, prints the port, and writes what each connection brings to a file of its own.
import { createWriteStream } from 'node:fs';
import { createServer } from 'node:net';

let connections = 0;
const server = createServer((socket) => {
  const file = createWriteStream(`${process.argv[2]}.${++connections}`);
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => file.write(bytes));
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
