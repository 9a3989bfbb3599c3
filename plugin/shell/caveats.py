"""What is said at every start, and whenever a configuration is replaced: dangerous choices, and what time has ended."""

import logging

from plugin.core.registration import LeaveSignIn
from plugin.shell.check import Checked

log = logging.getLogger(__name__)


def say_caveats(checked: Checked) -> None:
    """Say what an administrator has chosen against the safe default, and what time has run out for."""
    config = checked.config
    for text in checked.ends.expired:
        log.error("expired, devices that depend on it are refused", extra={"problem": text})
    for text in checked.ends.soon:
        log.warning("ends soon", extra={"problem": text})
    if config.pexip and config.pexip.settings.unsafe_leave_to_platform:
        patterns = list(config.pexip.settings.unsafe_leave_to_platform)
        log.warning("unsafe_leave_to_platform: the platform admits to these by itself", extra={"patterns": patterns})
    registrations = config.pexip.settings.registrations if config.pexip else ()
    left = [entry.place for entry in registrations if isinstance(entry.proof, LeaveSignIn)]
    if left:
        message = "unsafe_leave_to_platform: the platform registers these by itself"
        log.warning(message, extra={"registrations": left})
