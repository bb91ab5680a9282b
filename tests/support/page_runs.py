"""A page of a served dashboard as its server draws it for an address: a browser's messages, without a browser."""

from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from tests.support.servers import sign_ins

__all__ = ["find_open_page", "run_page"]


def run_page(url: str, name: str) -> list[Any]:
    """All messages of a new session at one page's address until its script has ended, without an exception."""
    run = BackMsg()
    run.rerun_script.page_name = name
    messages: list[Any] = []
    ours = {"origin": url, "additional_headers": {"Cookie": sign_ins[url]}, "max_size": None}
    with connect(f"{url.replace('http', 'ws')}/_stcore/stream", **ours) as wire:  # type: ignore[arg-type] # a str
        wire.send(run.SerializeToString())
        while not messages or messages[-1].WhichOneof("type") != "script_finished":
            messages.append(ForwardMsg.FromString(bytes(wire.recv(timeout=240))))  # type: ignore[arg-type] # all are binary
    assert messages[-1].script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
    assert not any(message.delta.new_element.HasField("exception") for message in messages)
    return messages


def find_open_page(messages: list[Any]) -> str:
    """The title of the page that the server opened."""
    told = next(message.navigation for message in messages if message.WhichOneof("type") == "navigation")
    return next(page.page_name for page in told.app_pages if page.page_script_hash == told.page_script_hash)
