"""Any provider that keeps to OpenID Connect Core 1.0 (and RFC 9068), told apart by its configuration alone.

It must never take an organisation, a level or a key for a person from a claim that the configuration does not name.
"""

from idp_adapters._access_token import rules
from idp_adapters._id_token import ID_TOKEN, Provider, completed, person
from plugin.ports import IdpAdapter, IdpSettings


def adapter(settings: IdpSettings) -> IdpAdapter:
    """Build the adapter. Raises ValueError for settings that could never be safe."""
    complete = completed(settings, takes_access=True)
    return Provider(settings=complete, checks=ID_TOKEN, name=person, access=rules(complete, checks={}))
