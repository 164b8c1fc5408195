"""A small product: people of several companies log in and look after their company's devices."""

import hashlib
import hmac
import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
from fastapi import Cookie, Depends, FastAPI, HTTPException, Request, Response
from pydantic import BaseModel

SALT = secrets.token_bytes(16)


def hashed(password: str) -> bytes:
    return hashlib.scrypt(password.encode(), salt=SALT, n=2**14, r=8, p=1)


@dataclass
class User:
    id: str
    name: str
    email: str
    company: str
    admin: bool
    password: bytes


class Login(BaseModel):
    email: str
    password: str


class Device(BaseModel):
    name: str


users = {
    user.id: user
    for user in [
        User("u-1", "Ada", "ada@acme.example", "acme", True, hashed("seven green bottles")),
        User("u-2", "Bob", "bob@acme.example", "acme", False, hashed("standing on a wall")),
        User("u-3", "Eve", "eve@globex.example", "globex", True, hashed("accidentally falls")),
    ]
}
devices = {"acme": ["thermometer"], "globex": ["barometer"]}
sessions: dict[str, str] = {}
key = Path(os.environ["JETON_KEY_FILE"]).read_text().strip()
jeton = httpx.AsyncClient(base_url=os.environ["JETON_URL"], headers={"Authorization": f"Bearer {key}"})
app = FastAPI()


@app.post("/login")
async def login(login: Login, response: Response):
    user = next((user for user in users.values() if user.email == login.email), None)
    if not user or not hmac.compare_digest(user.password, hashed(login.password)):
        raise HTTPException(401, "wrong address or password")
    session = secrets.token_urlsafe(32)
    sessions[session] = user.id
    with suppress(httpx.HTTPError):  # nobody has to wait for jeton to log in
        await sync(user)
    response.set_cookie("session", session, httponly=True, samesite="strict")
    return {"name": user.name}


def signed_in(session: str | None = Cookie(None)) -> User:
    user = users.get(sessions.get(session or "", ""))
    if not user:
        raise HTTPException(401, "log in first")
    return user


@app.exception_handler(httpx.HTTPError)
async def unavailable(request: Request, cause: httpx.HTTPError):
    return Response("jeton does not answer", 503)


async def sync(user: User):
    account = {"id": f"c-{user.company}", "name": user.company}
    (await jeton.put(f"/v1/accounts/by-external-id/{user.company}", json=account)).raise_for_status()
    member = {"name": user.name, "email": user.email, "role": "Admin" if user.admin else "Member"}
    path = f"/v1/accounts/c-{user.company}/members/by-external-id/{user.id}"
    (await jeton.put(path, json=member)).raise_for_status()


# Lets in whoever is signed in, and whoever comes with a token that may do this.
def may(permission: str):
    async def let_in(request: Request, session: str | None = Cookie(None)) -> User:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return signed_in(session)
        answer = await jeton.post("/v1/verify", json={"token": token, "permission": permission})
        verdict = answer.raise_for_status().json()
        user = users.get(verdict["holder"]["external_id"]) if verdict["valid"] else None
        if user and user.company == verdict["account"]["external_id"]:  # an id of ours is one within a company
            return user
        if verdict["code"] == "insufficient_permission":
            raise HTTPException(403, f"this needs {permission}")
        raise HTTPException(401, "no good token")

    return Depends(let_in)


@app.api_route("/tokens", methods=["GET", "POST"])
@app.api_route("/tokens/{id}", methods=["GET", "DELETE"])
@app.api_route("/tokens/{id}/revoke", methods=["POST"])
async def tokens(request: Request, user: User = Depends(signed_in)):
    if not re.fullmatch("/tokens(/[ps]at_[0-9a-z]{12}(/revoke)?)?", request.url.path):
        raise HTTPException(404, "no such token")  # such as `..`, which would lead elsewhere
    path = f"/v1/accounts/c-{user.company}{request.url.path}?{request.url.query}"
    headers = {"Jeton-Actor": user.id, "Content-Type": "application/json"}
    answer = await jeton.request(request.method, path, content=await request.body(), headers=headers)
    return Response(answer.content, answer.status_code, media_type="application/json")


# Opens the console for whoever is signed in: a link that lets them in once.
@app.get("/console")
async def console(user: User = Depends(signed_in)):
    account, headers = {"account": f"c-{user.company}"}, {"Jeton-Actor": user.id}
    link = await jeton.post("/v1/sessions/handoff", json=account, headers=headers)
    if link.status_code != 201:
        return Response(link.content, link.status_code, media_type="application/json")
    return Response(status_code=303, headers={"Location": link.json()["url"]})


@app.get("/api/devices")
async def list_devices(user: User = may("devices:read")):
    return devices[user.company]


@app.post("/api/devices", status_code=201)
async def add_device(device: Device, user: User = may("devices:create")):
    devices[user.company].append(device.name)
    return device
