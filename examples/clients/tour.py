"""The tour through the Python client that is generated from the description of the API: docs/clients.md.

A product's backend puts a customer and a user of its own where jeton finds them, makes a token in the user's name, asks
whether it is good, rotates it and revokes it. JETON_URL and JETON_TOKEN say where, and as which operator.
"""

import os
import sys
from typing import TypeVar

from jeton_client import AuthenticatedClient
from jeton_client.api.accounts import put_account
from jeton_client.api.members import put_member
from jeton_client.api.services import create_service
from jeton_client.api.tokens import create_token, list_tokens, revoke_token, rotate_token
from jeton_client.api.verify import verify
from jeton_client.models import (
    Account,
    Ask,
    CreateService,
    CreateToken,
    IssuedService,
    IssuedToken,
    Member,
    Permission,
    Problem,
    PutAccount,
    PutMember,
    RevokeToken,
    RotateToken,
    Scope,
    Token,
    TokenPage,
    Verdict,
    VerdictCode,
)

T = TypeVar("T")


def good(kind: type[T], answer: object) -> T:
    if isinstance(answer, Problem):
        sys.exit(f"refused, {answer.code}: {answer.detail}")
    if not isinstance(answer, kind):
        sys.exit(f"this is no {kind.__name__}: {answer}")
    return answer


def expect(what: str, found: object, expected: object) -> None:
    print(f"{what}: {found}")
    if found != expected:
        sys.exit(f"expected {expected}")


url = os.environ["JETON_URL"]
operator = AuthenticatedClient(base_url=url, token=os.environ["JETON_TOKEN"])
scopes = [Scope.VERIFY, Scope.PROVISION, Scope.ACT_AS]
service = good(IssuedService, create_service.sync(client=operator, body=CreateService(name="tour.py", scopes=scopes)))
backend = AuthenticatedClient(base_url=url, token=service.secret)

account = good(Account, put_account.sync("customer-py", client=backend, body=PutAccount(name="Customer of tour.py"))).id
user = PutMember(name="Ada Lovelace", role="Member")
member = good(Member, put_member.sync(account, "user-py", client=backend, body=user))
expect("the member", member.external_id, "user-py")


def ask(secret: str) -> Verdict:
    body = Ask(token=secret, permission="devices:read")
    return good(Verdict, verify.sync(client=backend, body=body))


wish = CreateToken(name="nightly export", expires_in="90d", permission=Permission(list_=["devices:read"]))
first = good(IssuedToken, create_token.sync(account, client=backend, body=wish, jeton_actor="user-py"))
verdict = ask(first.secret)
expect("created", verdict.code, VerdictCode.VALID)
expect("its holder", verdict.holder and verdict.holder.external_id, "user-py")

rotate = RotateToken(grace="1 hour")
second = good(IssuedToken, rotate_token.sync(account, first.id, client=backend, body=rotate, jeton_actor="user-py"))
expect("rotated, the new one", ask(second.secret).code, VerdictCode.VALID)
expect("the old one in its grace", ask(first.secret).code, VerdictCode.VALID)

why = RevokeToken(reason="the tour ends")
good(Token, revoke_token.sync(account, second.id, client=backend, body=why, jeton_actor="user-py"))
expect("revoked, the new one", ask(second.secret).code, VerdictCode.REVOKED)
expect("and the old one with it", ask(first.secret).valid, False)

page = good(TokenPage, list_tokens.sync(account, client=backend, jeton_actor="user-py"))
expect("listed", sorted(token.id for token in page.items), sorted([first.id, second.id]))
