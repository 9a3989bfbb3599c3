"""The program that runs `canaille` by PyPI's pytest-iam: one public client, one person, who is always signed in.

Its packages stay out of the process of the tests. POST /rotate publishes a new key and signs with it.
"""

import sys

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend
from canaille.oidc.basemodels import Client
from flask import Flask
from joserfc.jwk import RSAKey
from pytest_iam import Server


def run(port: int, *, client_id: str, redirect_uri: str) -> None:
    """Serve until killed. Tokens for the client `CLIENT_ID-unnamed` name no audience."""
    app = create_app(config=_configuration(port))
    server = Server(app, port, Backend.instance)
    _let_keys_be_rotated(app)
    with app.app_context():
        client = _client(client_id, redirect_uri=redirect_uri)
        client.audience = [client]
        Backend.instance.save(client)
        _client(f"{client_id}-unnamed", redirect_uri=redirect_uri)
        _sign_in(server)
    server.httpd.serve_forever()


def _new_key() -> dict[str, str]:
    return RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True).as_dict(private=True)


def _configuration(port: int) -> dict[str, object]:
    return {
        "TESTING": True,
        "ENV_FILE": None,
        "SECRET_KEY": "only-for-tests",
        "WTF_CSRF_ENABLED": False,
        "PREFERRED_URL_SCHEME": "http",
        "SERVER_NAME": f"localhost:{port}",
        "CANAILLE": {"DATABASE": "memory", "JAVASCRIPT": False, "ACL": {"DEFAULT": {"PERMISSIONS": ["use_oidc"]}}},
        "CANAILLE_OIDC": {"ACTIVE_JWKS": [_new_key()]},
    }


def _let_keys_be_rotated(app: Flask) -> None:
    @app.post("/rotate")
    def rotate() -> str:
        settings = app.config["CANAILLE_OIDC"]  # which every request reads anew
        settings["INACTIVE_JWKS"], settings["ACTIVE_JWKS"] = settings["ACTIVE_JWKS"], [_new_key()]
        return ""


def _client(client_id: str, *, redirect_uri: str) -> Client:
    client = models.Client(
        client_id=client_id,
        client_name=client_id,
        redirect_uris=[redirect_uri],
        grant_types=["authorization_code"],
        response_types=["code"],
        scope=["openid", "groups"],
        token_endpoint_auth_method="none",
        id_token_signed_response_alg="RS256",
    )
    Backend.instance.save(client)
    return client


def _sign_in(server: Server) -> None:
    alice = server.random_user(user_name="alice")
    for group in ("staff", "board"):
        server.random_group(display_name=group, members=[alice])
    server.login(alice)
    server.consent(alice)


if __name__ == "__main__":
    run(int(sys.argv[1]), client_id=sys.argv[2], redirect_uri=sys.argv[3])
