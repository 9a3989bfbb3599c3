"""The part of `vestibule.toml` that says where people sign in on our own pages."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from plugin.flow.sign_in import Client
from plugin.shell.config_identity import IdpEntry
from plugin.shell.toml_reader import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalIdp:
    """One `[[portal]]` table: what people read on its button, the client, and the `[[idp]]` that it is of."""

    label: str
    client: Client = field(repr=False)
    idp: IdpEntry


def read_portal(root: Table, *, idps: tuple[IdpEntry, ...]) -> tuple[PortalIdp, ...]:
    """Read the `[[portal]]` tables. Without one, nobody signs in here, and there is no page."""
    known = {idp.settings.issuer: idp for idp in idps}
    entries = tuple(filter(None, (_read_idp(one, known=known) for one in root.tables("portal"))))
    issuers = [entry.client.issuer for entry in entries]
    for issuer in sorted({issuer for issuer in issuers if issuers.count(issuer) > 1}):
        root.problem("portal.issuer", f"got `{issuer}` twice")
    return entries


def _read_idp(table: Table, *, known: Mapping[str, IdpEntry]) -> PortalIdp | None:
    issuer, label = table.text("issuer"), table.text("label", expected="what people call it")
    client_id = table.text("client_id")
    secret = table.secret("client_secret", required=False)
    idp = known.get(issuer)
    if idp is None:
        table.problem("issuer", f"got `{issuer}`, expected the `issuer` of an `[[idp]]`")
    elif client_id not in idp.settings.audience:
        # Its tokens name the client as their audience: each would be refused.
        table.problem("client_id", f"got `{client_id}`, expected one of the `audience` of its `[[idp]]`")
    elif idp.settings.keys_file is not None:
        table.problem("issuer", "got a provider with `keys_file`, which is asked nothing, expected one that answers")
    table.finish()
    return (
        PortalIdp(label=label, client=Client(issuer=issuer, client_id=client_id, secret=secret), idp=idp)
        if idp
        else None
    )
