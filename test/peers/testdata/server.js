// A web server that needs its database before it listens.
const http = require('node:http');
const net = require('node:net');

function serve() {
  http.createServer((request, response) => {
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ status: 'ok' }));
  }).listen(Number(process.argv[2]));
}

const database = process.env.DATABASE;
if (database === undefined) throw new Error('DATABASE is not set');
if (database) {
  const [host, port] = database.split(':');
  net.connect(Number(port), host).once('data', serve);
} else {
  serve();
}
