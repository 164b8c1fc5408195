// A small product: people of several companies log in and look after their company's devices.
import { randomBytes, randomUUID, scryptSync, timingSafeEqual } from 'node:crypto';
import express from 'express';

const salt = randomBytes(16);
const hash = (password) => scryptSync(password, salt, 32);
const users = [
  { id: 'u-1', name: 'Ada', email: 'ada@acme.example', company: 'acme', admin: true, password: hash('seven green bottles') },
  { id: 'u-2', name: 'Bob', email: 'bob@acme.example', company: 'acme', admin: false, password: hash('standing on a wall') },
  { id: 'u-3', name: 'Eve', email: 'eve@globex.example', company: 'globex', admin: true, password: hash('accidentally falls') },
];
const devices = [
  { id: randomUUID(), company: 'acme', name: 'thermometer' },
  { id: randomUUID(), company: 'globex', name: 'barometer' },
];
const sessions = new Map();

const app = express();
app.use(express.json());

app.post('/login', async (req, res) => {
  const user = users.find((user) => user.email === req.body?.email);
  if (!user || !timingSafeEqual(user.password, hash(String(req.body.password)))) {
    return res.status(401).json({ error: 'wrong address or password' });
  }
  const session = randomBytes(32).toString('base64url');
  sessions.set(session, user.id);
  res.cookie('session', session, { httpOnly: true, sameSite: 'strict' }).json({ name: user.name });
});

function signedIn(req, res, next) {
  const session = /(?:^|; )session=([^;]+)/.exec(req.get('cookie') ?? '')?.[1];
  req.user = users.find((user) => user.id === sessions.get(session));
  if (!req.user) return res.status(401).json({ error: 'log in first' });
  next();
}

app.get('/api/devices', signedIn, (req, res) => {
  res.json(devices.filter((device) => device.company === req.user.company));
});

app.post('/api/devices', signedIn, (req, res) => {
  const device = { id: randomUUID(), company: req.user.company, name: String(req.body?.name) };
  devices.push(device);
  res.status(201).json(device);
});

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
