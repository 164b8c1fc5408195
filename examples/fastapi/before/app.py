"""A small product: people of several companies log in and look after their company's devices."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

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
app = FastAPI()


@app.post("/login")
async def login(login: Login, response: Response):
    user = next((user for user in users.values() if user.email == login.email), None)
    if not user or not hmac.compare_digest(user.password, hashed(login.password)):
        raise HTTPException(401, "wrong address or password")
    session = secrets.token_urlsafe(32)
    sessions[session] = user.id
    response.set_cookie("session", session, httponly=True, samesite="strict")
    return {"name": user.name}


def signed_in(session: str | None = Cookie(None)) -> User:
    user = users.get(sessions.get(session or "", ""))
    if not user:
        raise HTTPException(401, "log in first")
    return user


@app.get("/api/devices")
async def list_devices(user: User = Depends(signed_in)):
    return devices[user.company]


@app.post("/api/devices", status_code=201)
async def add_device(device: Device, user: User = Depends(signed_in)):
    devices[user.company].append(device.name)
    return device
