"""One of everything that people and platforms say to the service in confidence, through every door, in every way wrong.

Each function returns the requests of one door as bytes by a name; what is secret or somebody's in them is marked.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import ECKey

from tests.shell.faults.marked import Marks
from tests.shell.faults.process import Site
from tests.shell.parties import Issuer
from tests.shell.world import CALLER_TOKEN, PASSWORD, caller

SERVICE, PARTICIPANT = "service/configuration", "participant/properties"
ADDRESSES = ("198.51.100.233", "2001:db8:dead:beef::5e1f")
IN_TOWNHALL = {"service_tag": "vestibule:meetme:townhall", "service_name": "townhall"}


def request(method: str, target: str, *, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: x", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*lines, "", ""]).encode() + body


def basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def strange_headers(marks: Marks) -> dict[str, str]:
    """Make what any client may send along."""
    names = ("User-Agent", "Cookie", "Referer", "Client-Cert", "tracestate", "baggage", "X-Request-Id")
    return {
        **{name: marks.make(f"header {name}") for name in names},
        "X-Forwarded-For": marks.note("header X-Forwarded-For", "198.51.100.234"),
        "traceparent": f"00-{marks.note('header traceparent', '5ec2e7' + 'ab' * 13)}-{'c' * 16}-01",
    }


def about_somebody(marks: Marks, *, alias: str, ticket: str = "", address: str = ADDRESSES[0]) -> dict[str, str]:
    """Make the parameters of a node's question about somebody who is marked all over."""
    return {
        **caller(alias, ticket=ticket, address=marks.note("remote address", address)),
        "remote_display_name": marks.make("display name"),
        "remote_alias": f"sip:{marks.make('remote alias')}@example.com",
        "vendor": marks.make("vendor"),
        "call_uuid": marks.make("call id"),
        "participant_uuid": marks.make("call id"),
        "idp_attribute_email": f"{marks.make('attribute')}@example.com",
        "idp_uuid": marks.make("attribute"),
        "P-Asserted-Identity": f"<sip:{marks.make('asserted identity')}@example.com>",
        "teams_tenant_id": marks.make("tenant"),
        marks.make("name of a parameter"): marks.make("parameter"),
    }


def from_a_node(marks: Marks) -> dict[str, bytes]:
    """Ask as a conferencing node: about strangers and rooms, rightly and wrongly."""
    right = {"Authorization": basic("pexip", PASSWORD), **strange_headers(marks)}

    def ask(endpoint: str, query: Mapping[str, str], headers: Mapping[str, str] = right, method: str = "GET") -> bytes:
        return request(method, f"/policy/v1/{endpoint}?{urlencode(query)}", headers=headers)

    guest = about_somebody(marks, alias="townhall")
    lost = about_somebody(marks, alias=marks.make("invented alias"), address=ADDRESSES[1])
    forged = about_somebody(marks, alias="board", ticket=f"vt_{marks.make('forged ticket')}")
    alias = marks.make("invented alias")
    credentials = {
        "a wrong password": basic("pexip", marks.make("wrong password")),
        "a wrong name": basic(marks.make("wrong name"), PASSWORD),
        "a bearer": f"Bearer {marks.make('foreign token')}",
        "a scheme": f"{marks.make('scheme')} {marks.make('foreign token')}",
        "no base64": f"Basic {marks.make('foreign token')}%",
    }
    return {
        "guest": ask(SERVICE, guest),
        "nobody's alias": ask(SERVICE, lost),
        "forged ticket": ask(SERVICE, forged),
        "participant": ask(PARTICIPANT, {**guest, **IN_TOWNHALL, "participant_type": "standard"}),
        "participant elsewhere": ask(PARTICIPANT, {**lost, "service_tag": marks.make("service tag")}),
        "location": ask("participant/location", {**guest, **IN_TOWNHALL}),
        "avatar": ask(f"participant/avatar/{alias}", {**guest, "width": marks.make("width")}),
        "phonebook": ask("registrations", {"q": marks.make("query"), "registration_alias": alias}),
        "unknown device": ask(f"registrations/{alias}", guest),
        "known device": ask("registrations/kiosk@rooms.example.com", {**guest, "protocol": "sip"}),
        "no such page": ask(marks.make("path"), guest),
        "another method": ask(SERVICE, guest, method="POST"),
        "a broken query": request("GET", f"/policy/v1/{SERVICE}?local_alias=%ff{alias}&%zz={alias}", headers=right),
        "a long line": ask(SERVICE, {**guest, "call_tag": marks.make("long") * 20_000}),
        "a long header": ask(SERVICE, guest, {**right, "X": marks.make("long") * 20_000}),
        "no HTTP": f"GET /policy/v1/{SERVICE}?{urlencode(lost)} {alias}\r\nnone\x00{alias}: {alias}\r\n\r\n".encode(),
        "a cut body": request("GET", f"/policy/v1/{SERVICE}", headers=right, body=alias.encode())[:-4],
        **{name: ask(SERVICE, guest, {"Authorization": value}) for name, value in credentials.items()},
    }


def tokens(marks: Marks, place: Site) -> dict[str, str]:
    """Sign ID tokens whose every claim is marked: a good one, and each kind of bad one."""
    issuer, now, stranger = place.world.acme, datetime.now(UTC), ECKey.generate_key("P-256")

    def sign(*, at: datetime = now, key: ECKey | None = None, **claims: object) -> str:
        return sign_marked(marks, issuer, at=at, key=key, **claims)

    elsewhere = {"iss": f"https://{marks.make('foreign issuer')}.example", "sub": marks.make("subject")}
    head = {
        "alg": "ES256",
        "kid": marks.make("key id"),
        "typ": "JWT",
        "jku": f"https://{marks.make('key place')}.example",
    }
    return {
        "good": sign(),
        "expired": sign(at=now - timedelta(days=1)),
        "forged": sign(key=stranger),
        "forged for others": sign(key=stranger, aud=marks.make("forged audience")),
        "for others": sign(aud=marks.make("audience")),
        "two audiences": sign(aud=["vestibule", marks.make("audience")], azp=marks.make("audience")),
        "wrong types": sign(groups={marks.make("group"): 1}, auth_time=marks.make("claim"), acr=[marks.make("claim")]),
        "of nobody": jwt.encode(head, elsewhere, stranger),
        "with a foreign head": jwt.encode(head, {**elsewhere, "iss": issuer.url}, stranger),
        "no token": marks.make("token"),
        "nearly one": f"{marks.make('token')}.{marks.make('token')}.{marks.make('token')}",
    }


def sign_marked(marks: Marks, issuer: Issuer, *, at: datetime, key: ECKey | None = None, **claims: object) -> str:
    """Sign an ID token whose every claim is marked, but for those that are given."""
    said: dict[str, object] = {
        "sub": marks.make("subject"),
        "email": f"{marks.make('e-mail address')}@example.com",
        "name": marks.make("name"),
        "preferred_username": marks.make("name"),
        "groups": [marks.make("group")],
        "nonce": marks.make("nonce"),
        "jti": marks.make("token id"),
        marks.make("name of a claim"): marks.make("claim"),
        **claims,
    }
    token = issuer.token(str(said.pop("sub")), now=at, key=key, **said)
    for part in token.split("."):
        marks.note("token", part)
    return token


def posted(path: str, body: object, *, headers: Mapping[str, str]) -> bytes:
    octets = body if isinstance(body, bytes) else json.dumps(body).encode()
    return request("POST", path, headers={"Content-Type": "application/json", **headers}, body=octets)


def at_the_json_doors(marks: Marks, place: Site) -> dict[str, bytes]:
    """Ask as a caller and as a client, with proofs of all kinds and with bodies that are none."""
    right = {"Authorization": f"Bearer {CALLER_TOKEN}", **strange_headers(marks)}
    alias, word, member = marks.make("invented alias"), marks.make("value"), marks.make("name of a member")
    person = {
        "display_name": marks.make("display name"),
        "alias": marks.make("remote alias"),
        "protocol": "webrtc",
        "vendor": marks.make("vendor"),
        "remote_address": marks.note("remote address", ADDRESSES[1]),
    }
    join: dict[str, object] = {"conference": "board", "participant": person}
    payload = {member: word, "chain": [b64encode(word.encode()).decode()], "alg": word, "signature": word}
    evidence = {"format": "x509", "challenge_id": marks.make("challenge id"), "payload": payload}
    strange = {**evidence, "format": marks.make("format of evidence")}
    bodies: dict[str, object] = {
        **{f"a token, {kind}": {**join, "id_token": token} for kind, token in tokens(marks, place).items()},
        "an alias": {**join, "conference": alias},
        "evidence": {**join, "id_token": tokens(marks, place)["good"], "evidence": [evidence, strange]},
        "a ticket": {**join, "ticket": marks.make("forged ticket")},
        "an unknown member": {**join, member: word},
        "an unknown member of a person": {**join, "participant": {**person, member: word}},
        "wrong types": {"conference": [alias], "id_token": {member: word}, "participant": word, "evidence": word},
        "an address that is none": {**join, "participant": {**person, "remote_address": word}},
        "no JSON": f'{{"conference": "{alias}", {word}'.encode(),
        "no UTF-8": f'{{"conference": "{alias}'.encode() + b"\xff",
        "a long body": {**join, "id_token": word * 20_000},
        "a longer body": {**join, "id_token": word * 100_000},
    }
    at_once = {f"join: {name}": posted("/v1/joins", body, headers=right) for name, body in bodies.items()}
    for name, body in bodies.items():
        proofs = {key: value for key, value in body.items() if key != "participant"} if isinstance(body, dict) else body
        at_once[f"ticket: {name}"] = posted("/v1/tickets", proofs, headers=strange_headers(marks))
    stranger = {"Authorization": f"Bearer {marks.make('foreign token')}"}
    at_once |= {
        "join: a stranger": posted("/v1/joins", bodies["an alias"], headers=stranger),
        "challenge: an alias": posted(
            "/v1/challenges", {"conference": marks.make("alias of a challenge")}, headers=right
        ),
        "challenge: a member": posted("/v1/challenges", {member: word}, headers=right),
        "page": request("GET", f"/{marks.make('path')}?{word}={word}", headers=right),
        "another method": request("PUT", f"/v1/joins?{word}={word}", headers=right),
    }
    return at_once
