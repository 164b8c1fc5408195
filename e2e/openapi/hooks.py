"""What schemathesis has to know of jeton: who asks, about what, and that nothing may be in an answer which is not described.

CONTRACT_ANSWERS names a file for what was answered, by operation; `script/contract` reads it.
"""

import atexit
import copy
import json
import os
from collections import Counter, defaultdict

import schemathesis
from schemathesis import GenerationMode

from stage import ACCOUNT, NOBODY, Stage

stage = Stage()
answered: dict[str, Counter] = defaultdict(Counter)

ENDS_ITSELF = {"end_self", "rotate_self"}
BY_SERVICE = {"verify", "verify_batch"}


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Closes what is open to later additions: of today's server every key must be described."""
    schemas = raw_schema["components"]["schemas"]
    # What others include stays open there, in a copy: it is they who have more keys.
    for schema in list(schemas.values()):
        for part in schema.get("allOf", []):
            if "$ref" in part:
                name = part["$ref"].rsplit("/", 1)[1]
                schemas[f"{name}Included"] = copy.deepcopy(schemas[name])
                part["$ref"] += "Included"
    for name, schema in schemas.items():
        keys = "properties" in schema or "allOf" in schema
        if keys and "additionalProperties" not in schema and not name.endswith("Included"):
            schema["unevaluatedProperties"] = False


@schemathesis.hook
def before_call(context, case, kwargs):
    operation = case.operation.definition.raw.get("operationId", "")
    good = case.meta is None or case.meta.generation.mode == GenerationMode.POSITIVE
    credential(case, operation, good)
    where(case, operation)
    if isinstance(case.query, dict):
        # A stream ends when its reader goes, and a cursor is good for one list alone.
        case.query.pop("follow", None)
        if good:
            case.query.pop("cursor", None)
            case.query.update(stage.mended(operation, case.query))
    if isinstance(case.body, (dict, list)):
        body = copy.deepcopy(case.body)
        if good and stage.chance.random() < 0.7:
            body = stage.mended(operation, body)
        if operation == "revoke_tokens" and isinstance(body, dict):
            body = stage.revocation(body)
        case.body = body


def credential(case, operation, good):
    acts = case.headers.pop("Jeton-Actor", None) is not None
    token = stage.own
    if operation in ENDS_ITSELF:
        token = stage.ask("POST", stage.at("tokens"), {"name": stage.fresh(), "expires_in": "1d"})["secret"]
    elif operation == "log_out":
        token = stage.session()
    elif operation == "change_password":
        token = stage.owner_of(ACCOUNT)
    elif operation == "hand_off":
        token = stage.key
        if good:
            case.headers["Jeton-Actor"] = stage.guest
    elif operation in BY_SERVICE:
        token = stage.key
    elif acts and good:
        # For services alone; beside a token of one's own it is refused.
        token = stage.key
        case.headers["Jeton-Actor"] = stage.member
    case.headers["Authorization"] = f"Bearer {token}"


def where(case, operation):
    names = case.path_parameters
    if not names:
        return
    # Now and then, something that is not there.
    if stage.chance.random() < 0.85:
        names.update(stage.place(operation, case.path))
        if operation == "change_policy":
            # The operator may do most things anywhere, but what holds in an account is its owners' to say.
            case.headers["Authorization"] = f"Bearer {stage.owner_of(names['account'])}"
            case.headers.pop("Jeton-Actor", None)
    if names.get("id") in stage.held:
        names["id"] = f"{names['id'][:4]}{NOBODY}"
    if operation in {"deactivate_account", "edit_account", "change_policy"} and names.get("account") == ACCOUNT:
        names["account"] = "nobody"


@schemathesis.hook
def after_call(context, case, response):
    answered[case.operation.definition.raw.get("operationId", "")][response.status_code] += 1


@atexit.register
def tell():
    with open(os.environ["CONTRACT_ANSWERS"], "w") as file:
        json.dump(answered, file, indent=1)
