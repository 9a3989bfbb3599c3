"""Opens what asks the vendors' services of groups: each with its own hosts, time-out and circuit."""

from contextlib import AsyncExitStack

from plugin.flow.group_lookup import SECONDS, GroupLookup
from plugin.ports import Clock
from plugin.shell.config_identity import IdpEntry
from plugin.shell.fetch import HttpFetch
from plugin.shell.registry import group_services


async def open_group_lookup(idp: IdpEntry, stack: AsyncExitStack, *, clock: Clock) -> GroupLookup | None:
    """Open the look-up of one provider's people, None where its table has no `[idp.groups]`."""
    if idp.groups is None:
        return None
    service = group_services()[idp.adapter](idp.settings, idp.groups)
    fetch = HttpFetch(hosts=service.hosts, timeout=SECONDS)
    stack.push_async_callback(fetch.close)
    issuer, kept = idp.settings.issuer, idp.groups.kept
    lookup = GroupLookup(service, issuer=issuer, exchange=fetch.ask, clock=clock, kept=kept)
    stack.push_async_callback(lookup.close)
    return lookup
