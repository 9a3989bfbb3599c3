"""A conference's name, as callers spell it and as this house compares it."""

import re

MAX_ALIAS = 250
_SCHEME = re.compile(r"^(sips?|h323):", re.IGNORECASE)
_PARAMETERS = re.compile(r"[;?].*$", re.DOTALL)
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f]")


def canonical_alias(unverified_alias: str) -> str:
    """Scheme and parameters dropped, lower case, domain in A-labels. Raises ValueError where there is none."""
    bare = _PARAMETERS.sub("", _SCHEME.sub("", unverified_alias.strip())).lower()
    if not bare or len(bare) > MAX_ALIAS or _UNPRINTABLE.search(bare):
        raise ValueError(f"unusable alias, expected 1 to {MAX_ALIAS} characters without spaces")
    name, at, domain = bare.rpartition("@")
    if not at:
        return bare
    try:
        return f"{name}@{domain.encode('idna').decode()}" if name else bare
    except UnicodeError:
        raise ValueError("unusable alias, expected a domain name after `@`") from None
