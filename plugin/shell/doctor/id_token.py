"""`doctor --idp NAME --token FILE`: gets a real token, and its provider's keys as `serve` gets them.

It must never print the token, use it up, or judge: see `token_checks`.
"""

from collections.abc import AsyncIterator
from pathlib import Path

from plugin.core.errors import Refused, Unavailable
from plugin.core.reasons import Reason
from plugin.flow.provider_keys import ProviderKeys
from plugin.jose.claims import shown
from plugin.jose.compact import MAX_TOKEN
from plugin.jose.keys import KeySet
from plugin.jose.verify import UnverifiedToken, read_unverified
from plugin.ports import Clock, IdpAdapter
from plugin.shell.check import Checked
from plugin.shell.config_identity import IdpEntry
from plugin.shell.doctor import providers
from plugin.shell.doctor.claims_told import quoted
from plugin.shell.doctor.report import Level, Line
from plugin.shell.doctor.token_checks import judged, refused_line
from plugin.shell.estate import open_fetch
from plugin.shell.wiring import utc_now

STANDARD_INPUT = "-"
# A file holds a token and the white space around it.
MAX_FILE = 4 * MAX_TOKEN


async def examine(
    checked: Checked, *, name: str | None, file: str | None, clock: Clock = utc_now
) -> AsyncIterator[Line]:
    """Examine the token in a file (`-` = standard input) by the rules of one provider."""
    entries = checked.config.idps
    chosen = [entry for entry in entries if name == entry.settings.issuer] or [
        entry for entry in entries if name in (entry.adapter, entry.settings.org)
    ]
    if len(chosen) != 1 or file is None:
        yield _choices(entries, name=name, file=file)
        return
    provider = checked.providers[chosen[0].settings.issuer]
    try:
        unverified_token = _read(Path("/dev/stdin" if file == STANDARD_INPUT else file))
        unverified = read_unverified(unverified_token)
    except OSError as error:
        found = f"`{file}`: {error.strerror}"
        yield Line(level=Level.FAULT, subject="token file", found=found, advice="name a file that can be read")
        return
    except Refused as refused:
        yield refused_line("token form", refused)
        return
    yield _claimed(unverified, provider=provider, size=len(unverified_token))
    try:
        keys = await _keys(chosen[0], clock=clock, key_id=unverified.key_id)
    except Unavailable as unavailable:
        found = f"{unavailable.reason.code}: {unavailable.detail}"
        yield Line(level=Level.FAULT, subject="token key", found=found, advice=providers.ADVICE[unavailable.reason])
        return
    for line in judged(unverified_token, provider=provider, keys=keys, now=clock()):
        yield line


def _choices(entries: tuple[IdpEntry, ...], *, name: str | None, file: str | None) -> Line:
    """Say what is missing or ambiguous, and what there is to choose from."""
    names = [f"`{entry.settings.issuer}` ({entry.adapter}, {entry.settings.org})" for entry in entries]
    wanted = "no `--idp NAME`" if name is None else f"{shown(name)}, which is not the name of one provider"
    return Line(
        level=Level.FAULT,
        subject="idp",
        found="no `--token FILE`" if file is None else f"got {wanted}, expected one of {', '.join(names)}",
        advice="name the provider by `--idp` and the file by `--token`, `-` for standard input",
    )


def _read(file: Path) -> str:
    with file.open("rb") as opened:
        raw = opened.read(MAX_FILE + 1)
    if len(raw) > MAX_FILE:
        raise Refused(Reason.TOKEN_TOO_LARGE, f"got a file of more than {MAX_FILE} bytes, expected one token")
    try:
        return raw.decode("ascii").strip()
    except UnicodeDecodeError:
        raise Refused(Reason.TOKEN_MALFORMED, "got bytes that are not ASCII") from None


def _claimed(unverified: UnverifiedToken, *, provider: IdpAdapter, size: int) -> Line:
    """Say whose token this says that it is. Nobody has looked whether that is so."""
    expected = provider.settings.issuer
    if unverified.issuer == expected:
        key = "no key" if unverified.key_id is None else f"key {shown(unverified.key_id)}"
        found = f"{size} characters, claimed to be of {quoted(expected)}, by {key} for {shown(unverified.algorithm)}"
        return Line(level=Level.OK, subject="token form", found=found)
    detail = f"claimed to be of {quoted(unverified.issuer)}, expected {quoted(expected)}"
    return refused_line("token form", Refused(Reason.TOKEN_ISSUER, detail))


async def _keys(entry: IdpEntry, *, clock: Clock, key_id: str | None) -> KeySet:
    """Get the provider's keys as `serve` gets them. Raises Unavailable."""
    fetch = open_fetch(entry)
    keys = ProviderKeys([entry.settings], fetch=fetch, clock=clock)
    try:
        return await keys.keys(entry.settings.issuer, key_id=key_id)
    finally:
        await keys.close()
        await fetch.close()
