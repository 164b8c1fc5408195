// A small product: people of several companies log in and look after their company's devices.
import { randomBytes, randomUUID, scryptSync, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
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
const key = readFileSync(process.env.JETON_KEY_FILE, 'utf8').trim();

const app = express();
app.use(express.json());

app.post('/login', async (req, res) => {
  const user = users.find((user) => user.email === req.body?.email);
  if (!user || !timingSafeEqual(user.password, hash(String(req.body.password)))) {
    return res.status(401).json({ error: 'wrong address or password' });
  }
  const session = randomBytes(32).toString('base64url');
  sessions.set(session, user.id);
  await sync(user).catch((cause) => console.error(cause.message));
  res.cookie('session', session, { httpOnly: true, sameSite: 'strict' }).json({ name: user.name });
});

function signedIn(req, res, next) {
  const session = /(?:^|; )session=([^;]+)/.exec(req.get('cookie') ?? '')?.[1];
  req.user = users.find((user) => user.id === sessions.get(session));
  if (!req.user) return res.status(401).json({ error: 'log in first' });
  next();
}

// Asks jeton, with `actor` in the name of one of our users: then what it refuses is for them to hear.
async function jeton(method, path, body, actor) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  if (actor) headers['jeton-actor'] = actor;
  const url = (process.env.JETON_URL ?? 'http://127.0.0.1:7070') + path;
  const request = { method, headers, body: body && JSON.stringify(body), signal: AbortSignal.timeout(5000) };
  const answer = await fetch(url, request).catch((cause) => cause);
  const said = answer instanceof Error ? { detail: answer.message } : await answer.json();
  if (!(answer.status < (actor ? 500 : 400))) throw Object.assign(new Error(`jeton: ${said.detail}`), { status: 503 });
  return { status: answer.status, body: said };
}

async function sync({ id, name, email, company, admin }) {
  await jeton('PUT', `/v1/accounts/by-external-id/${company}`, { id: `c-${company}`, name: company });
  const member = { name, email, role: admin ? 'Admin' : 'Member' };
  await jeton('PUT', `/v1/accounts/c-${company}/members/by-external-id/${id}`, member);
}

// Lets in whoever is signed in, and whoever comes with a token that may do this.
const may = (permission) => async (req, res, next) => {
  const token = /^Bearer +(\S+)$/i.exec(req.get('authorization') ?? '')?.[1];
  if (!token) return signedIn(req, res, next);
  const { body: verdict } = await jeton('POST', '/v1/verify', { token, permission });
  // An id of ours names somebody within a company, so that must be the token's, too.
  const is = ({ id, company }) => id === verdict.holder.external_id && company === verdict.account.external_id;
  req.user = verdict.valid && users.find(is);
  if (req.user) return next();
  const forbidden = verdict.code === 'insufficient_permission';
  res.status(forbidden ? 403 : 401).json({ error: forbidden ? `this needs ${permission}` : 'no good token' });
};

app.all(/^\/tokens(\/[ps]at_[0-9a-z]{12}(\/revoke)?)?$/, signedIn, async (req, res) => {
  const answer = await jeton(req.method, `/v1/accounts/c-${req.user.company}${req.url}`, req.body, req.user.id);
  res.status(answer.status).json(answer.body);
});

// Opens the console for whoever is signed in: a link that lets them in once.
app.get('/console', signedIn, async (req, res) => {
  const { status, body } = await jeton('POST', '/v1/sessions/handoff', { account: `c-${req.user.company}` }, req.user.id);
  status === 201 ? res.redirect(303, body.url) : res.status(status).json(body);
});

app.get('/api/devices', may('devices:read'), (req, res) => {
  res.json(devices.filter((device) => device.company === req.user.company));
});

app.post('/api/devices', may('devices:create'), (req, res) => {
  const device = { id: randomUUID(), company: req.user.company, name: String(req.body?.name) };
  devices.push(device);
  res.status(201).json(device);
});

app.use((cause, req, res, next) => {
  console.error(cause.message);
  const { status = 500 } = cause;
  res.status(status).json({ error: status < 500 ? 'this cannot be read' : 'this does not work at the moment' });
});

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
