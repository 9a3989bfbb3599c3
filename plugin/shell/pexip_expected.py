"""What this configuration expects of Pexip's own: the other side of each setting that the two have to agree on."""

from collections.abc import Mapping
from pathlib import Path

from plugin.platforms.pexip_findings import Expected, Finding, judge
from plugin.platforms.pexip_manager import Estate
from plugin.shell.config import Config
from plugin.shell.config_platforms import PexipEntry

LEFT = "set leave_to_platform = false", "set leave_to_platform = true"


def examine_estate(estate: Estate, *, config: Config, pexip: PexipEntry) -> tuple[Finding, ...]:
    """Say what is wrong with a platform, held against this configuration."""
    return judge(estate, expected=expected_of(config, pexip=pexip))


def expected_of(config: Config, *, pexip: PexipEntry) -> Expected:
    """Gather what is expected of the platform."""
    settings, manager = pexip.settings, pexip.manager
    policy_url = manager.policy_url if manager else None
    service = _script("dead-man-service.jinja")
    return Expected(
        policy_url=policy_url or f"{config.public_url.rstrip('/')}{pexip.path_prefix}",
        names=frozenset(alias for entry in config.conferences for alias in entry.aliases),
        patterns=tuple(entry.pattern for entry in config.conferences if entry.pattern),
        room_names=room_names_of(config),
        service_script=service.replace(*LEFT) if settings.unsafe_leave_to_platform else service,
        participant_script=_script("dead-man-participant.jinja"),
        idps=frozenset(idp.id for idp in pexip.idps),
        registers=bool(settings.registrations),
        lists=bool(settings.phonebook),
        places=bool(settings.media),
        pictures=bool(settings.colours),
    )


def room_names_of(config: Config) -> Mapping[str, str]:
    """Lead from each name (folded) that is set for a conference's room to the conference."""
    return {
        str(override.fields["name"]).casefold(): entry.conference.name
        for entry in config.conferences
        for override in entry.overrides.values()
        if override.fields.get("name")
    }


def _script(name: str) -> str:
    """Read a script as it is shipped: beside this file where it is installed, else in the repository."""
    installed = Path(__file__).parent / "pexip_scripts"
    folder = installed if installed.is_dir() else Path(__file__).parents[2] / "deploy" / "pexip"
    return (folder / name).read_text(encoding="utf-8")
