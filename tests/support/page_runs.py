"""A page of a served dashboard as its server draws it for an address: a browser's messages, without a browser."""

from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from tests.support.servers import sign_ins

__all__ = ["read_drawn_html", "run_page"]


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


def read_drawn_html(messages: list[Any]) -> str:
    """The HTML that a run drew."""
    return "\n".join(message.delta.new_element.html.body for message in messages)
