"""How the parameters of a Pexip node's questions are read, whatever is asked.

Names have one spelling, a value is one value, and an empty one counts as absent. Nothing here is proven.
"""

from plugin.core.alias import canonical_alias
from plugin.platforms.pexip import Params


class Unclear(Exception):
    """A parameter came with several values, a liar's gap between two readers; or is no text that can be written."""


def fold(params: Params) -> Params:
    """Bring the names of parameters to one spelling; the values of two that become one stand side by side."""
    together: dict[str, tuple[str, ...]] = {}
    for name, values in params.items():
        together[folded(name)] = (*together.get(folded(name), ()), *values)
    return together


def folded(name: str) -> str:
    """Bring a name to one spelling, since Pexip's documents and its nodes differ in case, and in `-` and `_`."""
    return name.lower().replace("-", "_")


def one(params: Params, name: str) -> str:
    """Return the value of a folded parameter, empty where it is absent. Raises Unclear."""
    values = set(params.get(name, ()))
    if len(values) > 1:
        raise Unclear
    return written(values.pop() if values else "")


def written(value: str) -> str:
    """Return a text that can be written down. Raises Unclear."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Unclear from None
    return value


def whole(params: Params, name: str) -> int:
    """Return a parameter that has to be a whole number of at most six digits. Raises Unclear."""
    text = one(params, name)
    if not (text.isascii() and text.isdecimal() and len(text) <= 6):  # noqa: PLR2004 - far above what is ever asked
        raise Unclear
    return int(text)


def alias_of(text: str) -> str | None:
    """Return an alias in canonical form, None where it is none."""
    try:
        return canonical_alias(text)
    except ValueError:
        return None
