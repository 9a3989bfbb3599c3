"""The peer: what a competent engineer writes in a day. Flask and PyJWT, OpenTelemetry, and an `if` that decides.

It verifies one token, logs one line, and makes as many spans as Vestibule does of such a question. It does not look at
devices, has no policy language, keeps no record and takes a token as often as it comes.
"""

import json
import logging
import os
import sys
import time
import uuid

import jwt
from flask import Flask, Response, request
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

ISSUER = os.environ["BENCH_ISSUER"]
CONFERENCES = {"board": "staff", "budget": "staff"}

logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
log = logging.getLogger("policy")
logging.getLogger("werkzeug").setLevel(logging.WARNING)

provider = TracerProvider(resource=Resource.create({"service.name": "flask-policy"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=os.environ["BENCH_TRACES"])))
tracer = provider.get_tracer("policy")
keys = jwt.PyJWKClient(f"{ISSUER}/jwks", lifespan=300)
app = Flask(__name__)


@app.post("/v1/joins")
def join() -> Response:
    decision_id = uuid.uuid4().hex
    with tracer.start_as_current_span("join", kind=SpanKind.SERVER) as root:
        with tracer.start_as_current_span("read"):
            body = request.get_json()
            conference, participant = body["conference"], body["participant"]
        with tracer.start_as_current_span("identity") as span:
            claims = verify(body["id_token"])
            span.set_attribute("outcome", "proven" if claims else "refused")
            span.set_attribute("issuer", ISSUER)
        with tracer.start_as_current_span("network") as span:
            address = participant["remote_address"]
            span.set_attribute("located", bool(address))
        with tracer.start_as_current_span("decide") as span:
            outcome, reason = decide(claims, conference=conference)
            span.set_attribute("outcome", outcome)
        with tracer.start_as_current_span("write"):
            answer = {"decision": outcome, "zone": "core", "reason": reason, "decision_id": decision_id}
            line = {"time": time.time(), "message": "decision", "conference": conference, **answer}
            log.info(json.dumps(line))
        root.set_attribute("decision_id", decision_id)
        root.set_attribute("outcome", outcome)
        root.set_attribute("reason", reason)
        root.set_attribute("conference", conference)
        root.set_attribute("platform", "portal")
        if outcome == "deny":
            root.set_status(Status(StatusCode.OK))
    return app.json.response(answer)


def verify(token: str) -> dict | None:
    try:
        key = keys.get_signing_key_from_jwt(token)
        return jwt.decode(
            token,
            key.key,
            algorithms=["ES256"],
            audience="vestibule",
            issuer=ISSUER,
            options={"require": ["exp", "iat", "sub"]},
        )
    except jwt.PyJWTError:
        return None


def decide(claims: dict | None, *, conference: str) -> tuple[str, str]:
    if claims is None:
        return "deny", "token"
    if conference in CONFERENCES and CONFERENCES[conference] in claims.get("groups", ()):
        return "allow", "permitted"
    return "deny", "not-invited"
