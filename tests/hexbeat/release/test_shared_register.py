"""Two publishers with homes of their own on one PostgreSQL: each number is published once."""

import subprocess
import sys
from pathlib import Path

import pytest

from hexbeat.release.register import Register
from hexbeat.store.shared_documents import DocumentKind
from hexbeat.store.store import Store
from layers.access import ANALYST

_PUBLISH = """
import sys
from pathlib import Path
from geo.errors import PolicyError
from hexbeat.release.register import Register
from hexbeat.store.store import Store
from layers.access import ANALYST
home, url, who = sys.argv[1:]
with Store.open(Path(home), database_url=url) as store:
    register = Register(store.documents(ANALYST), "riverside")
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(1, 21):
        files = {"checksums.txt": f"{who} {number}".encode(), "release.json": b"x" * 200_000}
        try:
            register.add(number, files, counted_events=[], origin_counts={}, first_days={}, continues=None)
            print(number, flush=True)
        except PolicyError as error:
            assert error.fact == f"somebody else has published number {number} meanwhile", error
"""


@pytest.mark.postgres
@pytest.mark.slow
def test_of_two_publishers_in_two_processes_exactly_one_gets_each_number(tmp_path: Path, database_url: str) -> None:
    with Store.open(tmp_path / "home", database_url=database_url):
        pass
    publishers = [
        subprocess.Popen(
            [sys.executable, "-c", _PUBLISH, str(tmp_path / who), database_url, who],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for who in ("one", "two")
    ]
    for publisher in publishers:
        assert publisher.stdout is not None
        assert publisher.stdout.readline() == "ready\n"
    for publisher in publishers:
        assert publisher.stdin is not None
        publisher.stdin.write("\n")
        publisher.stdin.flush()
    numbers = {}
    for who, publisher in zip(("one", "two"), publishers, strict=True):
        output, _ = publisher.communicate(timeout=120)
        assert publisher.returncode == 0
        numbers[who] = [int(line) for line in output.split()]
    assert sorted(numbers["one"] + numbers["two"]) == list(range(1, 21))
    with Store.open(tmp_path / "home", database_url=database_url) as store:
        stored = store.documents(ANALYST).read_all(DocumentKind.RELEASE, "riverside/")
    for who, own in numbers.items():
        for number in own:  # all files of a number are of the publisher who got it
            assert stored[f"riverside/{number:04}/release/checksums.txt"].content == f"{who} {number}".encode()
    assert len(stored) == 60


def test_without_a_store_there_is_no_register() -> None:
    assert Register(None, "riverside").all() == []
