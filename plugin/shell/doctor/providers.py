"""Whether the identity providers can be reached as `serve` reaches them, and whether their clocks and ours agree."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from plugin.core.errors import Unavailable
from plugin.core.reasons import Reason
from plugin.flow.provider_keys import ProviderKeys
from plugin.jose.claims import shown
from plugin.jose.keys import Key, KeySet
from plugin.ports import Clock, Fetch, IdpSettings
from plugin.shell.check import Checked
from plugin.shell.doctor.report import Level, Line
from plugin.shell.doctor.state import WRITE, permissions
from plugin.shell.estate import open_fetch
from plugin.shell.wiring import utc_now

WELL_KNOWN = "/.well-known/openid-configuration"
MAX_BYTES = 256 * 1024
# Tokens are taken with a minute of leeway: half of it is worth a warning.
SKEW_WARNING, SKEW_FAULT = timedelta(seconds=30), timedelta(seconds=60)
ADVICE = {
    Reason.IDP_UNREACHABLE: "see that this machine reaches it: name service, firewall, its certificate's CA",
    Reason.IDP_MISCONFIGURED: "compare `issuer`, `key_hosts` and `private` with the provider's discovery document,"
    " or mend the file that `keys_file` names",
}


async def examine(checked: Checked, *, clock: Clock = utc_now) -> AsyncIterator[Line]:
    """Ask every provider for its metadata and keys, or look at the file that stands for them."""
    for idp in checked.config.idps:
        fetch = open_fetch(idp)
        keys = ProviderKeys([idp.settings], fetch=fetch, clock=clock)
        try:
            line = await _keys(idp.settings, keys=keys)
            yield line
            if idp.settings.keys_file is not None:
                subject = f"idp {idp.settings.issuer} keys file"
                yield permissions(idp.settings.keys_file, subject=subject, others=WRITE)
            elif line.level is Level.OK:
                yield await _clock(idp.settings, fetch=fetch, clock=clock)
        finally:
            await keys.close()
            await fetch.close()


async def _keys(settings: IdpSettings, *, keys: ProviderKeys) -> Line:
    subject = f"idp {settings.issuer} keys"
    try:
        found: KeySet = await keys.keys(settings.issuer, key_id=None)
    except Unavailable as unavailable:
        told = f"{unavailable.reason.code}: {unavailable.detail}"
        return Line(level=Level.FAULT, subject=subject, found=told, advice=ADVICE[unavailable.reason])
    usable = [key for key in found.keys if settings.algorithms & key.algorithms]
    if not usable:
        expected = f"no key for {', '.join(sorted(settings.algorithms))}"
        advice = "set `algorithms` to what the provider signs with"
        return Line(level=Level.FAULT, subject=subject, found=expected, advice=advice)
    named = ", ".join(_named(key, algorithms=settings.algorithms) for key in usable)
    return Line(level=Level.OK, subject=subject, found=f"{len(usable)} usable: {named}; {_lasting(settings)}")


def _named(key: Key, *, algorithms: frozenset[str]) -> str:
    key_id = "unnamed" if key.key_id is None else shown(key.key_id)
    return f"{key_id} for {' '.join(sorted(algorithms & key.algorithms))}"


def _lasting(settings: IdpSettings) -> str:
    """Say how long these keys will do."""
    if settings.keys_file is None:
        return f"kept for {settings.keys_kept / timedelta(hours=1):.0f} h while it does not answer"
    changed = datetime.fromtimestamp(settings.keys_file.stat().st_mtime, tz=UTC)
    return f"from `{settings.keys_file.name}`, which last changed at {changed.isoformat(timespec='minutes')}"


async def _clock(settings: IdpSettings, *, fetch: Fetch, clock: Clock) -> Line:
    subject = f"idp {settings.issuer} clock"
    try:
        fetched = await fetch(f"{settings.issuer.rstrip('/')}{WELL_KNOWN}", limit=MAX_BYTES)
    except Unavailable as unavailable:
        advice = ADVICE[unavailable.reason]
        return Line(level=Level.WARNING, subject=subject, found="not known, it did not answer", advice=advice)
    if fetched.date is None:
        advice = "compare this machine's clock with a time server's by hand"
        return Line(level=Level.WARNING, subject=subject, found="it does not say what time it is", advice=advice)
    skew = abs(fetched.date - clock())
    level = Level.FAULT if skew >= SKEW_FAULT else Level.WARNING if skew >= SKEW_WARNING else Level.OK
    found = f"{skew.total_seconds():.0f} s apart from ours"
    return Line(level=level, subject=subject, found=found, advice="" if level is Level.OK else "synchronise by NTP")
