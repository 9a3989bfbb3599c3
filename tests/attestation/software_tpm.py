"""A TPM 2.0 that nobody here wrote (swtpm), spoken to by programs that nobody here wrote (tpm2-tools)."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CA_OPTIONS = """--platform-manufacturer Vestibule
--platform-version 1
--platform-model tests
"""
# The other branch of the policy of a large endorsement key: TCG EK Credential Profile, B.6.
POLICY_C = bytes.fromhex(
    "d6032ce61f2fb3c240eb3cf6a33237ef2b6a16f4293c22b455e261cffd217ad5b4947c2d73e63005eed2dc2b3593d165"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftwareTpm:
    folder: Path
    port: int

    def run(self, *command: str) -> bytes:
        environment = {**os.environ, "TPM2TOOLS_TCTI": f"swtpm:host=127.0.0.1,port={self.port}"}
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, check=False)
        # Without a resource manager there is room for three objects.
        for kind in ("-t", "-l"):
            subprocess.run(["tpm2_flushcontext", kind], env=environment, capture_output=True, check=False)
        if done.returncode:
            raise TpmError(done.stderr.decode())
        return done.stdout

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    @property
    def roots(self) -> bytes:
        return self.read("ca/swtpm-localca-rootca-cert.pem")

    @property
    def issuer(self) -> bytes:
        return self.read("ca/issuercert.pem")

    def endorse(self, algorithm: str) -> bytes:
        """Make the endorsement key; its certificate comes from the TPM's memory."""
        self.run("tpm2_createek", "-c", f"{algorithm}.ek", "-G", algorithm, "-u", f"{algorithm}.ek.pub")
        return self.run("tpm2_nvread", {"rsa": "0x1c00002", "ecc384": "0x1c00016"}[algorithm])

    def make_key(self, endorsement: str, *, name: str = "ak") -> bytes:
        command = f"tpm2_createak -C {endorsement}.ek -c {name}.ctx -G ecc -g sha256 -s ecdsa -u {name}.pub"
        self.run(*command.split(), "-n", f"{name}.name")
        return self.read(f"{name}.pub")

    def activate(self, blob: bytes, *, endorsement: str, name: str = "ak") -> bytes:
        (self.folder / "blob").write_bytes(bytes.fromhex("badcc0de00000001") + blob)
        hash_name = "sha256" if endorsement == "rsa" else "sha384"
        self.run("tpm2_startauthsession", "--policy-session", "-g", hash_name, "-S", "session")
        self.run("tpm2_policysecret", "-S", "session", "-c", "e", "-L", "policy")
        if endorsement != "rsa":
            (self.folder / "policy.nv").write_bytes(POLICY_C)
            self.run("tpm2_policyor", "-S", "session", "sha384:policy,policy.nv")
        command = f"tpm2_activatecredential -c {name}.ctx -C {endorsement}.ek -i blob -o secret -P session:session"
        self.run(*command.split())
        return self.read("secret")

    def quote(self, message: bytes, *, name: str = "ak", pcrs: str = "sha256:0,7,16") -> tuple[bytes, bytes, bytes]:
        self.run("tpm2_pcrread", pcrs, "-o", "pcrs")
        command = f"tpm2_quote -c {name}.ctx -l {pcrs} -q {message.hex()} -g sha256 -m quote -s signature"
        self.run(*command.split())
        return self.read("quote"), self.read("signature"), self.read("pcrs")


class TpmError(Exception):
    """A program of tpm2-tools has failed."""


@contextmanager
def software_tpm(folder: Path) -> Iterator[SoftwareTpm]:
    (folder / "ca").mkdir()
    state = folder / "state"
    state.mkdir()
    (folder / "ca.conf").write_text(
        f"statedir = {folder}/ca\nsigningkey = {folder}/ca/signkey.pem\n"
        f"issuercert = {folder}/ca/issuercert.pem\ncertserial = {folder}/ca/certserial\n"
    )
    (folder / "ca.options").write_text(CA_OPTIONS)
    localca = "/usr/bin/swtpm_localca"
    (folder / "setup.conf").write_text(
        f"create_certs_tool = {localca}\ncreate_certs_tool_config = {folder}/ca.conf\n"
        f"create_certs_tool_options = {folder}/ca.options\n"
    )
    setup = f"swtpm_setup --tpm2 --tpmstate {state} --config {folder}/setup.conf --create-ek-cert --overwrite"
    made = subprocess.run(setup.split(), capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    port = _free_pair()
    command = (
        f"swtpm socket --tpm2 --tpmstate dir={state} --server type=tcp,port={port} "
        f"--ctrl type=tcp,port={port + 1} --flags not-need-init,startup-clear"
    )
    with subprocess.Popen(command.split()) as process:
        try:
            _await(port, process=process)
            yield SoftwareTpm(folder=folder, port=port)
        finally:
            process.terminate()


def _free_pair() -> int:
    """Find two free ports side by side: the tools take the second for control."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


def _await(port: int, *, process: "subprocess.Popen[bytes]") -> None:
    """Wait by the control port, since the TPM ends with the first connection to the other."""
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port + 1), timeout=5).close()
        except ConnectionRefusedError:
            continue
        return
    raise TpmError("swtpm has ended")
