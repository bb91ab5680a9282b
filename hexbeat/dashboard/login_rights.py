"""What the person behind a key may do with files and rows for which Streamlit runs no page."""

from dataclasses import replace
from typing import Final

from streamlit.proto.BackMsg_pb2 import BackMsg

from geo.errors import HexbeatError, PolicyError
from hexbeat.dashboard.state.login import build_login
from hexbeat.dashboard.web.asgi import Message
from hexbeat.settings import Settings
from layers.access import Action, Role, may
from layers.catalogue import LAYER_NAMES
from layers.policy import Policy

__all__ = ["Rights", "asks_for_data", "find_rights", "require_uploader"]

UPLOADERS: Final = (Action.LOAD, Action.RECORD_WORK, Action.MAKE_EVIDENCE)
Rights = tuple[tuple[Role, ...], Policy]


def find_rights(settings: Settings, key: str) -> Rights | None:
    """The roles of the person of this key, and the policy; None if nobody has it, or if they may see nothing."""
    try:
        login = build_login(settings, key, chosen=None)
    except HexbeatError:
        return None
    return login.roles, login.viewer.policy


def require_uploader(settings: Settings, key: str) -> None:
    """PolicyError unless a role of the person of this key can do anything with a file.

    The server keeps an upload in memory before any page looks at it.
    """
    login = build_login(settings, key, chosen=None)
    viewers = [replace(login.viewer, role=role) for role in login.roles]
    layers = (None, *LAYER_NAMES)
    if not any(may(viewer, action, layer) for viewer in viewers for action in UPLOADERS for layer in layers):
        raise PolicyError(
            "Files are sent by those who load records, record work or make evidence packs",
            f"your role is {login.viewer.role}",
            "ask the analyst of the partnership",
        )


def asks_for_data(message: Message) -> bool:
    """Whether a message of a browser asks for more rows or a file, and not for a run of the page."""
    try:
        return bool(BackMsg.FromString(message.get("bytes") or b"").WhichOneof("type") == "backend_operation_request")
    except Exception:  # noqa: BLE001 - whatever it was, it was no message
        return False  # the gate has passed it over
