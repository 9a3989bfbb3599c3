"""Any provider that keeps to OpenID Connect Core 1.0 (and RFC 9068), told apart by its configuration alone.

It must never take an organisation, a level or a key for a person from a claim that the configuration does not name. Nor
stand in for the adapter of a vendor whose issuer is everybody's: there, a good token may be anybody's in the world.
"""

from urllib.parse import urlsplit

from idp_adapters._access_token import rules
from idp_adapters._id_token import ID_TOKEN, Provider, completed, person
from plugin.ports import IdpAdapter, IdpSettings

# Hosts, or their ends, of issuers with traps that a file beside this one knows.
VENDORS = {
    "accounts.google.com": "google",
    "gitlab.com": "gitlab",
    "login.microsoftonline.com": "entra",
    "login.microsoft.com": "entra",
    "login.windows.net": "entra",
    "login.microsoftonline.us": "entra",
    "login.partner.microsoftonline.cn": "entra",
    "sts.windows.net": "entra",
    "sts.chinacloudapi.cn": "entra",
    ".amazonaws.com": "cognito",
    ".amazonaws.com.cn": "cognito",
    ".auth0.com": "auth0",
    ".okta.com": "okta",
    ".okta-emea.com": "okta",
    ".oktapreview.com": "okta",
    ".okta-gov.com": "okta",
    ".okta.mil": "okta",
    **dict.fromkeys((f".pingone.{end}" for end in ("com", "eu", "ca", "asia", "sg", "com.au")), "ping"),
}
# Where anybody can sign up, or choose what a token is for: what is good there is nobody's word.
OPEN_TO_ALL = (
    ".b2clogin.com",
    ".ciamlogin.com",
    "appleid.apple.com",
    "securetoken.google.com",
    "token.actions.githubusercontent.com",
)


def adapter(settings: IdpSettings) -> IdpAdapter:
    """Build the adapter. Raises ValueError for settings that could never be safe."""
    host = (urlsplit(settings.issuer).hostname or "").removesuffix(".")
    wrong = [
        f'got issuer `{settings.issuer}`, expected `adapter = "{vendor}"` for it'
        for end, vendor in VENDORS.items()
        if _is_at(host, end)
    ]
    if any(_is_at(host, end) for end in OPEN_TO_ALL):
        wrong.append(f"got issuer `{settings.issuer}`, expected an organisation's own: anybody can sign in there")
    complete = completed(settings, takes_access=True, wrong=wrong)
    return Provider(settings=complete, checks=ID_TOKEN, name=person, access=rules(complete, checks={}))


def _is_at(host: str, end: str) -> bool:
    return host.endswith(end) if end.startswith(".") else host == end
