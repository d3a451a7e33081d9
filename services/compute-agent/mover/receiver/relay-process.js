// Plain JavaScript: types need not be stripped, and it starts once per connection where socat is not installed.
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';

const [kind, path = ''] = process.argv.slice(2);
const socket = connect({ path });
const end = () => process.exit(1);
socket.on('error', end);
if (kind === 'pipes') {
  socket.write(readFileSync('/proc/self/stat'));
  socket.resume();
} else {
  process.stdin.on('error', end);
  process.stdout.on('error', end);
  process.stdin.pipe(socket);
  socket.pipe(process.stdout);
  // Not an exit: it would take with it what the session has not read yet. Without stdin, the process ends after that.
  socket.on('close', () => process.stdin.destroy());
}
