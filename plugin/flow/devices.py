"""The devices on record: who owns them, where they stand, and every change of that.

A device is never changed but by `swap`, so of two changes at once none is lost. An owner's index names a device before
there is one, never after: no device exists that its owner could not find and revoke. What was revoked or lost is
remembered for as long as its key could come back.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

import msgspec

from plugin.core.device import DeviceState, EnrolledDevice, Tier
from plugin.core.errors import Refused, Unavailable
from plugin.core.reasons import Reason
from plugin.ports import Clock, Json, Store

KIND = "device"
KIND_OWNER = "device-owner"
KIND_CHANGE = "device-change"
# How long a device is remembered after its enrolment has ended: so long is a person told that it has expired, and so
# long a key that was revoked cannot be enrolled again.
REMEMBERED = timedelta(days=3650)
# A key that is being enrolled is taken for so long, should the process end in between.
UNDER_WAY = timedelta(minutes=1)
SWAP_ATTEMPTS = 5
PAGE = 256

Change = Callable[[EnrolledDevice], EnrolledDevice]

REFUSAL_OF = {
    DeviceState.PENDING: Reason.DEVICE_PENDING,
    DeviceState.REVOKED: Reason.DEVICE_REVOKED,
    DeviceState.LOST: Reason.DEVICE_LOST,
}


class Devices:
    """Reads and changes the devices in the store. Every method may raise Unavailable."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def find(self, device_id: str) -> EnrolledDevice | None:
        """Return a device, whatever its state."""
        return _device(await self._store.get(KIND, device_id, now=self._clock()))

    async def of(self, owner: str) -> tuple[EnrolledDevice, ...]:
        """Return a person's devices, in the order in which they were enrolled."""
        found = [await self.find(device_id) for device_id in _ids(await self._index(owner))]
        return tuple(device for device in found if device is not None and device.owner == owner)

    async def all(self) -> tuple[EnrolledDevice, ...]:
        """Return every device, in the order of their ids."""
        devices, after = list[EnrolledDevice](), ""
        while page := await self._store.page(KIND, after=after, limit=PAGE, now=self._clock()):
            devices += (device for _, value in page if (device := _device(value)) is not None)
            after = page[-1][0]
        return tuple(devices)

    async def add(self, device: EnrolledDevice, *, most: int) -> None:
        """Put a new device on record, as one of at most so many of its owner. Raises Refused."""
        now = self._clock()
        await self._reserve(device, most=most)
        if not await self._store.claim(KIND, device.id, expires_at=now + UNDER_WAY, now=now):
            raise Refused(Reason.DEVICE_ENROLLED)
        value, until = _plain(device), device.expires_at + REMEMBERED
        if not await self._store.swap(KIND, device.id, old={}, new=value, expires_at=until, now=now):
            raise Unavailable("store", Reason.STORE_UNAVAILABLE, "the enrolment took longer than its claim")
        await self._sync(device)

    async def change(self, device_id: str, *, owner: str | None, change: Change) -> EnrolledDevice:
        """Change a device, and return it as it is then. Raises Refused.

        `owner` None = an administrator asks. Somebody else's device is unknown to whoever asks for it.
        """
        for _ in range(SWAP_ATTEMPTS):
            stored = await self._store.get(KIND, device_id, now=self._clock())
            device = _device(stored)
            if stored is None or device is None or owner not in (None, device.owner):
                raise Refused(Reason.DEVICE_UNKNOWN)
            changed = change(device)
            until = changed.expires_at + REMEMBERED
            if await self._store.swap(
                KIND, device_id, old=stored, new=_plain(changed), expires_at=until, now=self._clock()
            ):
                await self._sync(changed)
                return changed
        raise Unavailable("store", Reason.STORE_UNAVAILABLE, "the device changed under every attempt to change it")

    async def _reserve(self, device: EnrolledDevice, *, most: int) -> None:
        """Name the device in its owner's index, if there is room: two that enrol at once cannot both take the last."""
        key, now = _hash(device.owner), self._clock()
        until = device.expires_at + REMEMBERED
        for _ in range(SWAP_ATTEMPTS):
            index = await self._index(device.owner)
            ids = _ids(index)
            if sum([await self._counts(one, owner=device.owner) for one in ids if one != device.id]) >= most:
                raise Refused(Reason.DEVICES_TOO_MANY)
            if index is None and await self._store.claim(KIND_OWNER, key, expires_at=until, now=now):
                index = {}
            new = {"devices": [*(one for one in ids if one != device.id), device.id]}
            if index is not None and await self._store.swap(
                KIND_OWNER, key, old=index, new=new, expires_at=until, now=now
            ):
                return
        raise Unavailable("store", Reason.STORE_UNAVAILABLE, "the index changed under every attempt to change it")

    async def _counts(self, device_id: str, *, owner: str) -> bool:
        """Say whether a device takes one of its owner's places. One that is named but not there is being enrolled."""
        stored = await self._store.get(KIND, device_id, now=self._clock())
        device = _device(stored)
        if device is None:
            return stored is not None
        return (
            device.owner == owner
            and device.state in {DeviceState.PENDING, DeviceState.ACTIVE}
            and (device.expires_at > self._clock())
        )

    async def _index(self, owner: str) -> Json | None:
        return await self._store.get(KIND_OWNER, _hash(owner), now=self._clock())

    async def _sync(self, device: EnrolledDevice) -> None:
        """Take what was swapped to the disk: a revocation that a power failure undid would admit a thief."""
        now = self._clock()
        await self._store.put(KIND_CHANGE, device.id, {"at": now.isoformat()}, expires_at=now + UNDER_WAY)


def check_standing(device: EnrolledDevice, *, now: datetime) -> None:
    """Check that a device may prove anything. Raises Refused."""
    refusal = REFUSAL_OF.get(device.state)
    if refusal is not None or device.state is not DeviceState.ACTIVE:
        raise Refused(refusal or Reason.DEVICE_UNKNOWN)
    if device.tier is Tier.CONTRAINDICATED:
        raise Refused(Reason.DEVICE_CLONED)
    if device.expires_at <= now:
        raise Refused(Reason.DEVICE_EXPIRED, f"ended on {device.expires_at.date()}")


def in_state(state: DeviceState) -> Change:
    """Return the change to a state. Neither loss nor revocation is ever taken back."""

    def change(device: EnrolledDevice) -> EnrolledDevice:
        if device.state in {DeviceState.REVOKED, DeviceState.LOST}:
            raise Refused(REFUSAL_OF[device.state])
        return replace(device, state=state)

    return change


def _ids(index: Json | None) -> list[str]:
    ids = (index or {}).get("devices", [])
    return [str(one) for one in ids] if isinstance(ids, list) else []


def _hash(owner: str) -> str:
    return sha256(owner.encode()).hexdigest()


def _plain(device: EnrolledDevice) -> dict[str, object]:
    plain: dict[str, object] = msgspec.to_builtins(device, str_keys=True)
    return plain


def _device(stored: Json | None) -> EnrolledDevice | None:
    """Read a device; None also for a key that is only being enrolled."""
    return msgspec.convert(stored, EnrolledDevice, strict=True) if stored else None
