"""A mail server for tests, on loopback: takes mails and writes each down, a JSON object a line.

    server.py PORT FILE [--certificate PEM --key PEM] [--starttls | --tls] [--login USER:PASSWORD]

`--starttls`: nothing is taken before STARTTLS. `--tls`: TLS from the first byte. A line is on the disk before the
client hears that the mail was taken, as a mail server that promises to keep it does.
"""

import argparse
import asyncio
import email
import email.policy
import json
import os
import ssl

from aiosmtpd.smtp import SMTP, AuthResult

arguments = argparse.ArgumentParser()
arguments.add_argument("port", type=int)
arguments.add_argument("file")
arguments.add_argument("--certificate")
arguments.add_argument("--key")
arguments.add_argument("--starttls", action="store_true")
arguments.add_argument("--tls", action="store_true")
arguments.add_argument("--login")
asked = arguments.parse_args()


class Taking:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused"):
            return "550 5.1.1 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        part = lambda kind: message.get_body((kind,)).get_content()
        line = {
            "to": envelope.rcpt_tos,
            "from": envelope.mail_from,
            "encrypted": session.ssl is not None or asked.tls,
            "login": str(session.auth_data) if session.authenticated else None,
            "headers": {name.lower(): str(value) for name, value in message.items()},
            "text": part("plain"),
            "html": part("html"),
        }
        with open(asked.file, "a") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())
        return "250 OK"


def authenticate(server, session, envelope, mechanism, login):
    good = f"{login.login.decode()}:{login.password.decode()}" == asked.login
    return AuthResult(success=good, auth_data=login.login.decode())


async def main():
    tls = None
    if asked.certificate:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(asked.certificate, asked.key)

    def session():
        return SMTP(
            Taking(),
            hostname="localhost",
            tls_context=None if asked.tls else tls,
            require_starttls=asked.starttls,
            authenticator=authenticate if asked.login else None,
            auth_required=bool(asked.login),
            auth_require_tls=not asked.tls,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(session, "127.0.0.1", asked.port, ssl=tls if asked.tls else None)
    print("listening", flush=True)
    await server.serve_forever()


asyncio.run(main())
