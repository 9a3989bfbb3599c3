"""The question about a room from which tests make theirs: somebody dials in with an app and presents nothing."""

from plugin.core.join import Caller, Credentials, Direction, JoinRequest, Network, Phase
from tests.fakes import NOON

ROOM = JoinRequest(
    platform="pexip",
    phase=Phase.ROOM,
    join_key="k",
    alias="board",
    zone=None,
    caller=Caller(display_name="", alias="", protocol="webrtc", vendor=""),
    credentials=Credentials(),
    network=Network(address="192.0.2.7", located=False),
    direction=Direction.DIAL_IN,
    call=None,
    received_at=NOON,
)
