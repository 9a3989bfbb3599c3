"""The phonebook that Pexip shows on registered devices: conferences that their entry lists for an organisation.

Closed unless the asking device is known here. It never tells more than the three texts of a line, and never lets
Pexip add what its own database holds.
"""

from plugin.core.registration import find_registration
from plugin.platforms._pexip_parameters import Unclear, alias_of, fold, one, whole
from plugin.platforms.pexip import Params, PexipSettings
from plugin.platforms.pexip_fields import DIRECTORY, faults
from plugin.ports import Json

# As many as Pexip is known to ask for, where it does not say; and as many as it gets whatever it says.
USUAL_LINES = 10
MOST_LINES = 100


def look_up(params: Params, *, settings: PexipSettings) -> Json | None:
    """Answer a question about the phonebook; None where the asker may read nothing."""
    params = fold(params)
    try:
        asker = alias_of(one(params, "registration_alias"))
        sought = one(params, "q").casefold()
        limit = whole(params, "limit") if one(params, "limit") else USUAL_LINES
    except Unclear:
        return None
    device = find_registration(asker, entries=settings.registrations) if asker else None
    if device is None:
        return None
    lines = [
        {"username": line.name, "alias": line.alias, "description": line.description}
        for line in settings.phonebook
        if device.org in line.listed_for
    ]
    found = [line for line in lines if any(sought in text.casefold() for text in line.values())]
    told = [line for line in found if not faults(line, table=DIRECTORY)]
    return {"status": "success", "result": told[: min(limit, MOST_LINES)], "ignore_local": True}
