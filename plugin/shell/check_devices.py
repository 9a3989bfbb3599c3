"""Device CAs, looked at before anything starts: revocation lists that could not be used, and what ends soon."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509

from plugin.ports import DeviceCa
from plugin.revocation.crl import Crl
from plugin.revocation.lists import read_if_changed
from plugin.shell.toml_reader import Problems

# A list is made for days or for hours: it is late when this little of its time is left.
LAST_PART = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """What time has made of the files.

    An expired list denies everybody who depends on it, and does not keep the service from starting: while that does
    not run, the platform admits by itself.
    """

    expired: tuple[str, ...] = ()
    soon: tuple[str, ...] = ()


def check_device_cas(cas: tuple[DeviceCa, ...], *, now: datetime, problems: Problems) -> Ends:
    """Check the revocation lists of every CA, and note what has ended or ends soon. The anchors have been read."""
    expired, soon = list[str](), list[str]()
    for index, ca in enumerate(cas):
        place = f"device_ca[{index}]"
        anchors = anchors_of(ca)
        soon += (f"{place}.certificates_file: {text}" for text in _anchors_that_end(anchors, ca=ca, now=now))
        if not ca.crl_files:
            continue
        key, crls = f"{place}.crl_file", _read(ca, anchors=anchors, place=place, problems=problems)
        for anchor in anchors if crls else ():
            if now < anchor.not_valid_after_utc and not any(crl.is_signed_by(anchor) for crl in crls):
                problems.add(key, f"got no list of the anchor `{anchor.serial_number:x}`, expected one")
        for crl in crls:
            if now >= crl.until:
                expired.append(f"{key}: a list has expired on {_day(crl.until)}, expected a current one")
            elif now + (crl.until - crl.since) / LAST_PART >= crl.until:
                soon.append(f"{key}: a list ends on {_day(crl.until)}")
    return Ends(expired=tuple(expired), soon=tuple(soon))


def anchors_of(ca: DeviceCa) -> tuple[x509.Certificate, ...]:
    """Read the anchors of a CA whose file has been found good."""
    return tuple(x509.load_pem_x509_certificates(ca.certificates))


def _anchors_that_end(anchors: tuple[x509.Certificate, ...], *, ca: DeviceCa, now: datetime) -> Iterator[str]:
    for anchor in anchors:
        if now + timedelta(days=ca.warn_days) >= anchor.not_valid_after_utc:
            yield f"the anchor `{anchor.serial_number:x}` ends on {_day(anchor.not_valid_after_utc)}"


def _read(ca: DeviceCa, *, anchors: tuple[x509.Certificate, ...], place: str, problems: Problems) -> tuple[Crl, ...]:
    found = list[Crl]()
    for file in ca.crl_files:
        try:
            found += read_if_changed(file, stamp=None, anchors=anchors)[1]
        except ValueError as error:
            problems.add(f"{place}.crl_file", f"`{file.name}`: {error}")
    return tuple(found)


def _day(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")
