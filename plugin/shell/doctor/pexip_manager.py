"""`doctor --pexip-manager`: reads the configuration of Pexip's Management Node, and names each way past this house."""

import asyncio
from collections.abc import AsyncIterator

from plugin.platforms.pexip_findings import Finding
from plugin.platforms.pexip_manager import Estate
from plugin.shell.config import Config
from plugin.shell.doctor.report import Level, Line
from plugin.shell.pexip_expected import examine_estate
from plugin.shell.pexip_manager import PAUSE_SECONDS, SECONDS, Pause, opened

SUBJECT = "pexip manager"


async def examine(config: Config, *, seconds: float = SECONDS, pause: Pause = asyncio.sleep) -> AsyncIterator[Line]:
    """Read everything once, slowly, and judge it."""
    if config.pexip is None or config.pexip.manager is None:
        advice = "give it one, with an account that may only read"
        found = "the configuration has no `[pexip.manager]`"
        yield Line(level=Level.FAULT, subject=SUBJECT, found=found, advice=advice)
        return
    async with opened(config.pexip.manager, seconds=seconds, pause=pause) as manager:
        estate = await manager.estate()
    yield _read(estate)
    findings = examine_estate(estate, config=config, pexip=config.pexip)
    for finding in findings:
        yield line_of(finding)
    if not findings:
        yield Line(level=Level.OK, subject=SUBJECT, found="nothing in it opens what is protected here")


def line_of(finding: Finding) -> Line:
    """Say a finding as the doctor does."""
    level = Level.FAULT if finding.fault else Level.WARNING
    return Line(level=level, subject=f"pexip {finding.subject}", found=finding.found, advice=finding.advice)


def _read(estate: Estate) -> Line:
    """Say how much was looked at, so that nobody takes an empty list for a good one."""
    counts = (
        f"{len(estate.locations)} locations, {len(estate.profiles)} policy profiles, {len(estate.aliases)} aliases, "
        f"{len(estate.rules)} routing rules"
    )
    if estate.locations or estate.unread:
        return Line(level=Level.OK, subject=SUBJECT, found=f"read, by one request in {PAUSE_SECONDS} s: {counts}")
    advice = "see what the account may read: a platform without locations takes no calls"
    return Line(level=Level.FAULT, subject=SUBJECT, found=f"shows no location ({counts})", advice=advice)
