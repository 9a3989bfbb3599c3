"""What Cedar does not check of a policy: annotations, names of open types, and questions that can never be answered."""

import re
from collections.abc import Iterator, Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cedarpy import pst

from plugin.policy.setting import Setting
from plugin.policy.trees import walk

MAX_MESSAGE = 250
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_ANNOTATIONS = {"id", "message"}
# Cedar takes `has` with a misspelt name for plain false, and the rest of the condition is then never looked at.
OPTIONAL = {("auth", "mfaAge"), ("conference", "guests"), ("join", "country")}


def read_clock(name: str) -> ZoneInfo | None:
    """Return the time zone of that name, None where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder of zones
        return None


def lint(policy: pst.Template, *, setting: Setting) -> Iterator[str]:
    """Say what is wrong with one parsed policy."""
    yield from _lint_annotations(policy.annotations)
    for part in walk(policy):
        match part:
            case pst.EntityUid(type=pst.EntityType(basename="Org"), id=org) if org not in setting.orgs:
                yield f"unknown organisation `{org}`, expected one of {', '.join(sorted(setting.orgs))}"
            case pst.EntityUid(type=pst.EntityType(basename="Clock"), id=name) if read_clock(name) is None:
                yield f"unknown time zone `{name}`, expected a name such as `Europe/Oslo`"
            case pst.GetAttr(base=pst.EntityLit(value=uid)) if uid.type.basename != "Clock":
                yield f"`{uid}` cannot be asked for an attribute, only a Clock can"
            case pst.HasAttr(base=base, attrs=attrs) if _path(base, attrs) not in OPTIONAL:
                optional = ", ".join(".".join(path) for path in sorted(OPTIONAL))
                yield f"`has {'.'.join(attrs)}` can only be false here, optional are {optional}"


def _lint_annotations(annotations: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(annotations.keys() - _ANNOTATIONS):
        yield f"unknown annotation `@{name}`, expected @id and @message"
    if "id" not in annotations:
        yield "no `@id`, expected one on every policy"
    elif not _ID.fullmatch(annotations["id"]):
        yield f"unusable @id `{annotations['id']}`, expected at most 100 letters, digits, `.`, `_`, `-`"
    message = annotations.get("message", " ")
    if not message or len(message) > MAX_MESSAGE or not message.isprintable():
        yield f"unusable @message, expected 1 to {MAX_MESSAGE} printable characters"


def _path(base: pst.Expr, attrs: tuple[str, ...]) -> tuple[str, ...]:
    """Return the last two steps of what `has` asks for: `principal.auth has mfaAge` and `principal has auth.mfaAge`."""
    parent = (base.attr,) if isinstance(base, pst.GetAttr) else ()
    return (parent + attrs)[-2:]
