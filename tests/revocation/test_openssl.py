"""A CA that OpenSSL keeps: its lists, its index of revoked certificates, and its own responder."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from plugin.core.errors import Refused, Unavailable
from plugin.core.reasons import Reason
from plugin.ports import Ocsp
from plugin.revocation.lists import CrlFiles
from plugin.revocation.lookup import RevocationLookup, Source
from plugin.revocation.ocsp import UnusableAnswer, make_request, read_answer
from plugin.revocation.responder import Responder
from plugin.shell.fetch import HttpFetch

pytestmark = pytest.mark.component("openssl")

CONFIGURATION = """
[ca]
default_ca = issuing
[issuing]
dir = .
database = index.txt
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
rand_serial = yes
default_md = sha256
default_days = 9
default_crl_days = 1
crlnumber = crlnumber
crl_extensions = crl
policy = any
unique_subject = no
[any]
commonName = supplied
[crl]
authorityKeyIdentifier = keyid
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[device]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
authorityKeyIdentifier = keyid
[responder]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = OCSPSigning
noCheck = ignored
authorityKeyIdentifier = keyid
"""
PATIENCE = 20


class Authority:
    """A CA in a folder. `alice` is revoked, `bob` is not, `responder` answers for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "ca.cnf").write_text(CONFIGURATION)
        (folder / "index.txt").touch()
        (folder / "crlnumber").write_text("01\n")
        self._request("ca", "-x509", "-days", "9", "-extensions", "root", "-out", "ca.pem")
        for who, kind in (("alice", "device"), ("bob", "device"), ("responder", "responder")):
            self._request(who, "-out", f"{who}.csr")
            self._ca("-extensions", kind, "-in", f"{who}.csr", "-out", f"{who}.pem", "-notext")
        self._ca("-revoke", "alice.pem", "-crl_reason", "keyCompromise")
        self._ca("-gencrl", "-out", "ca.crl")

    def path(self, who: str) -> tuple[bytes, ...]:
        return tuple(self.certificate(one).public_bytes(Encoding.DER) for one in (who, "ca"))

    def certificate(self, who: str) -> x509.Certificate:
        return x509.load_pem_x509_certificate((self.folder / f"{who}.pem").read_bytes())

    def run(self, *arguments: str) -> bytes:
        return subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True).stdout

    @contextmanager
    def answering(self, *, signer: str = "responder") -> Iterator[str]:
        """Run the responder, and yield its URL."""
        signing = ["-CA", "ca.pem", "-rsigner", f"{signer}.pem", "-rkey", f"{signer}.key"]
        command = ["openssl", "ocsp", "-index", "index.txt", *signing, "-port", "0", "-nmin", "5"]
        with subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as openssl:
            assert openssl.stdout
            listening = openssl.stdout.readline().decode()  # ACCEPT [::]:43210 PID=12345
            try:
                yield f"http://127.0.0.1:{listening.split()[1].rpartition(':')[2]}/"
            finally:
                openssl.terminate()

    def _request(self, who: str, *options: str) -> None:
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", f"{who}.key")
        self.run("req", "-new", *key, "-config", "ca.cnf", "-subj", f"/CN={who}", *options)

    def _ca(self, *options: str) -> None:
        self.run("ca", "-batch", "-config", "ca.cnf", *options)


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


def utc_now() -> datetime:
    return datetime.now(UTC)


async def verdict(source: Source, path: tuple[bytes, ...]) -> str:
    try:
        await RevocationLookup({"foreign": (source,)}).check(path, ca="foreign")
    except (Refused, Unavailable) as failure:
        return failure.reason.code
    return "good"


async def test_a_list_of_openssl_refuses_whom_it_names(ca: Authority) -> None:
    lists = CrlFiles([ca.folder / "ca.crl"], ca="foreign", anchors=(ca.certificate("ca"),), clock=utc_now)
    await lists.refresh()

    verdicts = [await verdict(lists, ca.path(who)) for who in ("alice", "bob")]

    assert verdicts == [Reason.EVIDENCE_REVOKED.code, "good"]


@pytest.mark.parametrize("signer", ["responder", "ca"])
@pytest.mark.parametrize("nonce", [True, False], ids=["with a nonce", "without a nonce"])
async def test_the_responder_of_openssl_is_understood(ca: Authority, signer: str, nonce: bool) -> None:
    fetch = HttpFetch(hosts=frozenset({"127.0.0.1"}), timeout=PATIENCE)
    with ca.answering(signer=signer) as url:
        responder = Responder(
            Ocsp(url=url, nonce=nonce), ca="foreign", post=fetch.post, clock=utc_now, random_bytes=bytes
        )
        verdicts = [await verdict(responder, ca.path(who)) for who in ("alice", "bob")]
    await fetch.close()

    assert verdicts == [Reason.EVIDENCE_REVOKED.code, "good"]


async def test_a_device_that_answers_for_itself_is_not_believed(ca: Authority) -> None:
    fetch = HttpFetch(hosts=frozenset({"127.0.0.1"}), timeout=PATIENCE)
    with ca.answering(signer="bob") as url:
        responder = Responder(Ocsp(url=url), ca="foreign", post=fetch.post, clock=utc_now, random_bytes=bytes)
        found = await verdict(responder, ca.path("bob"))
    await fetch.close()

    assert found == Reason.REVOCATION_UNKNOWN.code


def test_an_answer_about_two_certificates_is_unusable(ca: Authority) -> None:
    signing = ("-CA", "ca.pem", "-rsigner", "responder.pem", "-rkey", "responder.key", "-nmin", "5")
    ca.run("ocsp", "-issuer", "ca.pem", "-cert", "bob.pem", "-cert", "alice.pem", "-no_nonce", "-reqout", "two.req")
    ca.run("ocsp", "-index", "index.txt", *signing, "-reqin", "two.req", "-respout", "two.resp")
    issuer = ca.certificate("ca")
    request = make_request(ca.certificate("bob"), issuer=issuer, nonce=None)

    with pytest.raises(UnusableAnswer, match="one answer"):
        read_answer((ca.folder / "two.resp").read_bytes(), request=request, issuer=issuer, now=utc_now())
