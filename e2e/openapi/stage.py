"""What schemathesis finds on the server that it asks: things to ask about, made for the one question.

It asks as the operator and owner of the account `acme`, by the token that `jeton init` printed. What would end that
token, its member or its account is asked of another one of the kind (`Stage.place`). Which values would be good ones is
said by their names (`Stage.worth`), since the same word means the same everywhere.
"""

import os
import time
from random import Random

import requests

ACCOUNT = "acme"
EMAIL = "ada@example.com"
PAIRED = "paired@example.com"
PASSWORD = os.environ["CONTRACT_PASSWORD"]

# Ids that nothing has, by their prefix.
NOBODY = "0123456789ab"


class Stage:
    def __init__(self) -> None:
        self.url = os.environ["CONTRACT_URL"]
        self.own = os.environ["CONTRACT_TOKEN"]
        self.member = os.environ["CONTRACT_MEMBER"]
        self.chance = Random(1)
        self.made = 0
        self.wire = requests.Session()
        self.prepare()

    def ask(self, method: str, path: str, body: object = None, token: str | None = None) -> dict:
        """The answer, which must be a good one: what goes wrong here is a fault of these files."""
        answer = self.wire.request(
            method,
            self.url + path,
            json=body,
            headers={"Authorization": f"Bearer {token or self.own}"},
            timeout=30,
        )
        if not answer.ok:
            raise RuntimeError(f"the stage could not be set: {method} {path} is {answer.status_code}, {answer.text}")
        return answer.json()

    def prepare(self) -> None:
        # Everything is asked often, so that no limit and no confirmation may be in the way; and what is kept can be revealed.
        policy = self.ask("GET", self.at("policy"))
        policy["limit"] = None
        policy["secret"] = "recoverable"
        policy["reveal_reauth"] = False
        policy["confirm"] = {"mode": "none", "word": None, "show_use": False}
        self.ask("PUT", self.at("policy"), policy)
        service = {"name": "contract", "scopes": ["verify", "introspect", "provision", "act_as"]}
        made = self.ask("POST", "/v1/services", service)
        self.key = made["secret"]
        for node in "/sales", "/lab":
            self.ask("POST", self.at("nodes"), {"path": node})
        token = self.ask("POST", self.at("tokens"), {"name": "shown", "expires_in": "1d"})
        self.shown = token["secret"]
        # Operators are handed over to nobody.
        self.guest = self.make("members")
        roles = self.ask("GET", self.at("roles"))["items"]
        # What the run stands on. Schemathesis finds these ids in the answers it gets.
        self.held = {self.member, self.guest, "_".join(self.own.split("_")[1:3]), made["id"], *(role["id"] for role in roles)}
        self.ask("POST", "/v1/accounts", {"id": "spare", "name": "Spare"})
        # Where a login is a pair.
        self.ask("POST", "/v1/accounts", {"id": "pairs", "name": "Pairs", "preset": "gcore"})
        paired = {"name": "Paired", "email": PAIRED, "role": "Users", "password": PASSWORD}
        self.ask("POST", "/v1/accounts/pairs/members", paired)

    @staticmethod
    def at(rest: str) -> str:
        return f"/v1/accounts/{ACCOUNT}/{rest}"

    def fresh(self) -> str:
        self.made += 1
        return f"x{self.made}"

    def make(self, what: str) -> str:
        """Makes one of these, and returns its id."""
        name = self.fresh()
        body = {
            "tokens": {"name": name, "expires_in": "1d"},
            "members": {"name": name, "role": "Viewer", "external_id": name, "email": f"{name}@example.com"},
            "service-accounts": {"name": name, "role": "Viewer"},
            "roles": {"name": name, "permissions": ["devices:read"]},
            "installations": {"name": name, "nodes": ["/sales"]},
            # A name that leads nowhere (RFC 2606), so that nothing is ever sent.
            "webhooks": {"name": name, "url": "https://hooks.invalid/", "actions": ["webhook"]},
        }[what]
        return self.ask("POST", self.at(what), body)["id"]

    def shown_once(self) -> str:
        """The text of a token that nothing else is done with."""
        return self.ask("POST", self.at("tokens"), {"name": self.fresh(), "expires_in": "1d"})["secret"]

    def session(self, email: str = EMAIL) -> str:
        """The token of a new login."""
        return self.ask("POST", "/v1/sessions", {"email": email, "password": PASSWORD})["token"]

    def refresh_token(self) -> str:
        """Of a new login that can be refreshed."""
        return self.ask("POST", "/v1/sessions", {"email": PAIRED, "password": PASSWORD})["refresh_token"]

    def owner_of(self, account: str) -> str:
        """The session of a new owner of that account."""
        email = f"{self.fresh()}@example.com"
        owner = {"name": "Owner", "email": email, "role": "Owner", "password": PASSWORD}
        self.ask("POST", f"/v1/accounts/{account}/members", owner)
        return self.session(email)

    def another_account(self) -> str:
        name = self.fresh()
        self.ask("POST", "/v1/accounts", {"id": name, "name": name, "external_id": name})
        return name

    def place(self, operation: str, path: str) -> dict[str, str]:
        """What the path names: something made for this, in the state that the operation is about."""
        named = {}
        if "{account}" in path:
            own = operation not in {"deactivate_account", "reactivate_account", "edit_account", "change_policy"}
            named["account"] = ACCOUNT if own else self.another_account()
        if operation == "reactivate_account":
            self.ask("POST", f"/v1/accounts/{named['account']}/deactivate")
        if "/accounts/by-external-id/{external_id}" in path:
            named["external_id"] = self.another_account()
        elif "{external_id}" in path:
            member = self.ask("GET", self.at(f"members/{self.make('members')}"))
            named["external_id"] = member["external_id"]
        elif path.endswith("/webhooks"):
            self.make_room_for_webhooks()
        elif "{path}" in path:
            named["path"] = "sales"
        elif path == "/v1/services/{id}":
            named["id"] = self.ask("POST", "/v1/services", {"name": self.fresh(), "scopes": ["verify"]})["id"]
        elif path == "/v1/sessions/{id}":
            named["id"] = "_".join(self.session().split("_")[1:3])
        elif "{id}" in path:
            what = path.split("/")[4]
            if what == "webhooks":
                self.make_room_for_webhooks()
            named["id"] = self.make(what)
            if "{seq}" in path:
                named["seq"] = self.delivery(named["id"])
            before = {
                "approve_token": ("POST", "/revoke"),
                "reactivate_member": ("POST", "/deactivate"),
                "reactivate_service_account": ("POST", "/deactivate"),
                "erase_member": ("DELETE", ""),
            }.get(operation)
            if before:
                self.ask(before[0], self.at(f"{what}/{named['id']}{before[1]}"))
        return named

    def make_room_for_webhooks(self) -> None:
        """An account has room for a few."""
        all = self.ask("GET", self.at("webhooks"))["items"]
        for webhook in all if len(all) > 9 else []:
            self.ask("DELETE", self.at(f"webhooks/{webhook['id']}"))

    def delivery(self, webhook: str) -> str:
        """What the webhook is told first: that it was made. The server takes it up on its own."""
        for _ in range(200):
            items = self.ask("GET", self.at(f"webhooks/{webhook}/deliveries"))["items"]
            if items:
                return str(items[0]["seq"])
            time.sleep(0.02)
        raise RuntimeError(f"the webhook {webhook} was told nothing")

    def worth(self, operation: str, key: str) -> object:
        """A value that is a good one for the field of this name, or None where anything may be."""
        by_name = {
            "account": lambda: ACCOUNT,
            "actions": lambda: ["token"],
            "accounts": lambda: [ACCOUNT],
            "credentials": lambda: [self.shown_once()],
            "bindings": lambda: [{"role": "Member", "node": "/sales"}],
            "email": lambda: EMAIL if operation == "log_in" else f"{self.fresh()}@example.com",
            "expires_in": lambda: "1d",
            "external_id": self.fresh,
            "grace": lambda: "1h",
            "holder": lambda: self.member,
            "id": self.fresh,
            "issued_by": lambda: self.member,
            "name": self.fresh,
            "new_password": lambda: f"{PASSWORD} more",
            "node": lambda: "/",
            "nodes": lambda: ["/sales"],
            "password": lambda: PASSWORD,
            "path": lambda: f"/{self.fresh()}",
            "permission": lambda: "devices:read",
            "permissions": lambda: ["devices:read"],
            "preset": lambda: "default",
            "refresh_token": self.refresh_token,
            "role": lambda: "Member",
            "token": lambda: self.shown,
            "url": lambda: "https://hooks.invalid/",
        }
        if operation in {"create_token", "edit_token"}:
            by_name["permission"] = lambda: {"list": ["devices:read"]}
        return by_name[key]() if key in by_name else None

    def mended(self, operation: str, value: object) -> object:
        """The same with good values for most of its fields. What excludes another is left out at times."""
        if isinstance(value, list):
            return [self.mended(operation, item) for item in value]
        if not isinstance(value, dict):
            return value
        mended = {}
        for key, old in value.items():
            often = self.chance.random() < 0.8
            if key in {"version", "expires_at", "not_before", "conditions", "limits", "one_time_code"} and often:
                continue
            if isinstance(old, list) and any(isinstance(item, dict) for item in old):
                mended[key] = self.mended(operation, old)
                continue
            good = self.worth(operation, key) if often else None
            mended[key] = old if good is None else good
        return mended

    def revocation(self, body: dict) -> dict:
        """Of the spare account's tokens alone: previewed, or confirmed as the preview says."""
        asked = body.get("filter")
        if not isinstance(asked, dict):
            body.pop("confirm", None)
            return body
        asked["account"] = "spare"
        if body.pop("confirm", None) is None:
            return body
        preview = self.ask("POST", "/v1/tokens/revoke", {"filter": {"account": "spare"}, "preview": True})
        return {"filter": {"account": "spare"}, "confirm": preview["confirm"]}
