// The tour through the TypeScript types that are generated from the description of the API: docs/clients.md.
//
// A product's backend puts a customer and a user of its own where jeton finds them, makes a token in the user's name,
// asks whether it is good, rotates it and revokes it. JETON_URL and JETON_TOKEN say where, and as which operator.

import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Problem = components["schemas"]["Problem"];

function named(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

const as = (token: string) =>
  createClient<paths>({ baseUrl: named("JETON_URL"), headers: { Authorization: `Bearer ${token}` } });

async function good<T>(asked: Promise<{ data?: T; error?: Problem }>): Promise<T> {
  const { data, error } = await asked;
  if (data === undefined) throw new Error(`refused, ${error?.code}: ${error?.detail}`);
  return data;
}

function expect<T>(what: string, found: T, expected: T): void {
  console.log(`${what}: ${found}`);
  if (found !== expected) throw new Error(`expected ${expected}`);
}

const operator = as(named("JETON_TOKEN"));
const service = await good(
  operator.POST("/v1/services", { body: { name: "tour.ts", scopes: ["verify", "provision", "act_as"] } }),
);
const backend = as(service.secret);

const { id: account } = await good(
  backend.PUT("/v1/accounts/by-external-id/{external_id}", {
    params: { path: { external_id: "customer-ts" } },
    body: { name: "Customer of tour.ts" },
  }),
);
const member = await good(
  backend.PUT("/v1/accounts/{account}/members/by-external-id/{external_id}", {
    params: { path: { account, external_id: "user-ts" } },
    body: { name: "Ada Lovelace", role: "Member" },
  }),
);
expect("the member", member.external_id, "user-ts");

const ask = (token: string) => good(backend.POST("/v1/verify", { body: { token, permission: "devices:read" } }));
const header = { "Jeton-Actor": "user-ts" };

const first = await good(
  backend.POST("/v1/accounts/{account}/tokens", {
    params: { path: { account }, header },
    body: { name: "nightly export", expires_in: "90d", permission: { list: ["devices:read"] } },
  }),
);
const verdict = await ask(first.secret);
expect("created", verdict.code, "valid");
expect("its holder", verdict.holder?.external_id, "user-ts");

const second = await good(
  backend.POST("/v1/accounts/{account}/tokens/{id}/rotate", {
    params: { path: { account, id: first.id }, header },
    body: { grace: "1 hour" },
  }),
);
expect("rotated, the new one", (await ask(second.secret)).code, "valid");
expect("the old one in its grace", (await ask(first.secret)).code, "valid");

await good(
  backend.POST("/v1/accounts/{account}/tokens/{id}/revoke", {
    params: { path: { account, id: second.id }, header },
    body: { reason: "the tour ends" },
  }),
);
expect("revoked, the new one", (await ask(second.secret)).code, "revoked");
expect("and the old one with it", (await ask(first.secret)).valid, false);

const page = await good(
  backend.GET("/v1/accounts/{account}/tokens", { params: { path: { account }, header } }),
);
expect("listed", page.items.map((token) => token.id).sort().join(), [first.id, second.id].sort().join());
