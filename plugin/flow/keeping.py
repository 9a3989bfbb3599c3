"""What people do with their own devices: look at them, name them, and give them up.

It must never bring a device back, nor show one to anybody but its owner.
"""

from dataclasses import replace
from datetime import timedelta

from plugin.core.device import DeviceState, EnrolledDevice
from plugin.flow.devices import Devices, in_state
from plugin.flow.identity_proofs import IdentityProofs


class Keeping:
    """Each method wants a token of somebody who signed in a moment ago. Raises Refused, and Unavailable."""

    def __init__(self, *, devices: Devices, identities: IdentityProofs, login_age: timedelta) -> None:
        self._devices = devices
        self._identities = identities
        self._login_age = login_age

    async def list(self, unverified_token: str) -> tuple[EnrolledDevice, ...]:
        """Return one's own devices."""
        return await self._devices.of(await self._owner(unverified_token))

    async def rename(self, unverified_token: str, device_id: str, *, name: str) -> EnrolledDevice:
        """Give a device another name."""
        owner = await self._owner(unverified_token)
        return await self._devices.change(device_id, owner=owner, change=lambda device: replace(device, name=name))

    async def give_up(self, unverified_token: str, device_id: str, *, state: DeviceState) -> EnrolledDevice:
        """Revoke a device, or report it lost."""
        owner = await self._owner(unverified_token)
        return await self._devices.change(device_id, owner=owner, change=in_state(state))

    async def _owner(self, unverified_token: str) -> str:
        return (await self._identities.recognise(unverified_token, login_age=self._login_age)).key
