// Plain JavaScript: types need not be stripped, and it starts once per connection where socat is not installed.
import { connect } from 'node:net';

const socket = connect({ path: process.argv[2] ?? '' });
const end = () => process.exit(1);
socket.on('error', end);
process.stdin.on('error', end);
process.stdout.on('error', end);
process.stdin.pipe(socket);
socket.pipe(process.stdout);
socket.on('close', () => process.exit(0));
