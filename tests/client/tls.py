"""A certificate for a server, made by openssl."""

import ssl
import subprocess
from pathlib import Path


def server_context(folder: Path, *, name: str) -> ssl.SSLContext:
    """Make `certificate.pem` in the folder, signed by itself, and a server's context with it."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN={name}"
    files = ["-keyout", str(key), "-out", str(certificate), "-addext", f"subjectAltName=DNS:{name}"]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
