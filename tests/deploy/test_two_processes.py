"""Two processes of the partners' side behind nginx, with a real identity provider and one PostgreSQL."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from hexbeat.store.sign_ins import end_sign_ins, list_sign_ins
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.identity_provider import Stranger, identity_provider
from tests.support.nginx import NAME, certificate, need, nginx_before, trust_all, write_nginx_conf
from tests.support.servers import free_port, hexbeat_server

__all__ = ["certificate"]  # a fixture

PERSON, ADDRESS = "warden-7", f"https://{NAME}"


class Proxy(httpx.HTTPTransport):
    """Finds the example's name on a port of this machine, as the name service of an installation would."""

    def __init__(self, port: int) -> None:
        super().__init__(verify=trust_all())
        self.port = port

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        address = request.url.copy_with(host="127.0.0.1", port=self.port)  # the header Host stays
        extensions = {**request.extensions, "sni_hostname": NAME}
        inner = httpx.Request(
            request.method, address, headers=request.headers, stream=request.stream, extensions=extensions
        )
        return super().handle_request(inner)


@contextmanager
def visitor(port: int) -> Iterator[Stranger]:
    """A client that reaches the installation by its name; the cookie that names a process is set by the test."""
    stranger = Stranger(ADDRESS)
    stranger.client.close()
    with httpx.Client(timeout=60, mounts={ADDRESS: Proxy(port)}) as client:
        stranger.client = client
        yield stranger


@pytest.mark.slow
@pytest.mark.postgres
def test_one_sign_in_counts_at_both_processes_until_it_is_ended_everywhere(
    tmp_path: Path, certificate: Path, database_url: str
) -> None:
    need("nginx")
    homes = [tmp_path / name for name in ("one", "other")]
    for home in homes:
        home.mkdir()
    (homes[0] / "policy.toml").write_text('[groups]\nwardens = "council"\n', encoding="utf-8")
    port, inner = free_port(), [free_port(), free_port()]
    with ExitStack() as stack:
        store = stack.enter_context(Store.open(homes[0], database_url=database_url))
        provider = stack.enter_context(identity_provider())
        provider.set_person(PERSON, email="warden@example.org", groups=["wardens"])
        settings = provider.settings(ADDRESS, tmp_path) | {
            "HEXBEAT_PUBLIC_URL": ADDRESS, "HEXBEAT_PROXIES": "127.0.0.1", "HEXBEAT_AREA": "middlesbrough",
            "HEXBEAT_DATABASE_URL": database_url,
        }  # fmt: skip
        for home, own in zip(homes, inner, strict=True):
            stack.enter_context(hexbeat_server(environment={**settings, "HEXBEAT_HOME": str(home)}, port=own))
        ports = {
            "127.0.0.1:8501": inner[0], "127.0.0.1:8502": inner[1], "listen 80": free_port(), "listen 443": port
        }  # fmt: skip
        stack.enter_context(nginx_before(write_nginx_conf(tmp_path, certificate, ports)))
        first, second = (stack.enter_context(visitor(port)) for _ in range(2))

        def statuses(stranger: Stranger) -> list[int]:
            """How each process answers this person's cookie."""
            answers = []
            for process in "ab":
                stranger.client.cookies.set("hexbeat_process", process, domain=NAME)
                answers.append(stranger.status("/"))
            return answers

        assert (statuses(first), statuses(second)) == ([401, 401], [401, 401])
        for stranger, process in ((first, "a"), (second, "b")):
            stranger.client.cookies.set("hexbeat_process", process, domain=NAME)
            assert stranger.sign_in(PERSON).headers["location"] == "/"
            assert statuses(stranger) == [200, 200]
        assert [it.subject for it in list_sign_ins(store, ANALYST, now=0)] == [PERSON, PERSON]

        first.client.get(f"{ADDRESS}/sign-out", headers={"Sec-Fetch-Site": "same-origin"})  # at "b": everywhere for it
        assert (statuses(first), statuses(second)) == ([401, 401], [200, 200])
        assert end_sign_ins(store, ANALYST, subject=PERSON) == 1
        assert statuses(second) == [401, 401]
