"""Each job in a browser, as a person does it: clicks and seconds, cold and warm, against a trivial page's click.

`python -m bench.journeys [--only JOB ...] [--records demonstration real] [--events N] [--home DIR]`. A job begins at an
address, as a bookmark or a link has it, and ends when its answer is on the screen (`bench.journey_jobs`). `cold` is the
first visit of a server that has just started on a store that nobody has looked at, `warm` the next one in a new window.
A step is a press, or a field that is filled. The seconds are those of the machine, without the time in which a person
reads and decides. `times` divides them by the median click on a trivial page, five clicks before the visit and five
after it, in the same browser. CPU is what the server and the browser used, without the process that works results out
ahead. Each job is done on a demonstration, and on the real police.uk months of 2024 where they are there. Required:
every job comes to its end, within a minute. Exit code 1 if one does not.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Error

from bench.browser_walks import (
    TrivialPage,
    count_cpu,
    find_median,
    find_processes,
    make_demonstration,
    make_real,
    open_browser,
    open_trivial_page,
    open_walk,
    read_cpu,
    run_hexbeat,
    serve_home,
)
from bench.journey_jobs import JOBS, Job
from bench.report import Row, report

MOST_S: Final = 60.0
RECORDS: Final = ("demonstration", "real")


def main() -> int:
    """Walk every job and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=JOBS, metavar="JOB", help=f"some of: {', '.join(JOBS)}")
    parser.add_argument("--records", nargs="+", choices=RECORDS, default=RECORDS, help="on which (default both)")
    parser.add_argument("--events", type=int, default=20_000, help="of the demonstration (default 20,000)")
    parser.add_argument("--home", type=Path, help="a store to copy instead of the demonstration")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--out", type=Path, help="write the figures there as JSON")
    options = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder, open_browser() as browser, open_trivial_page(browser) as trivial:
        for records in options.records:
            home = find_home(records, Path(folder), options)
            if home is None:
                print("left out: the police.uk files of 2024 are not there", file=sys.stderr)
                continue
            rows += [walk_job(browser, trivial, name, records, home) for name in options.only or JOBS]
    report({"events": options.events, "most s": MOST_S}, rows, options=options)
    failures = [row for row in rows if row["failed"]]
    for row in failures:
        print(f"missed: {row['job']}, {row['records']}: {row['failed']}", file=sys.stderr)
    return 1 if failures else 0


def find_home(records: str, folder: Path, options: argparse.Namespace) -> Path | None:
    """A store of those records that the jobs copy; None for real ones that are not there."""
    home = folder / records
    if records == "real":
        try:
            make_real(home)
        except FileNotFoundError:
            return None
    elif options.home:
        return Path(options.home)
    else:
        make_demonstration(home, options.events)
    return home


def walk_job(browser: Browser, trivial: TrivialPage, name: str, records: str, store: Path) -> Row:
    """Both visits of a job, on a server and a copy of the store of its own."""
    job = JOBS[name]
    row: Row = {"job": name, "records": records}
    if records == "real" and job.not_real:
        return row | {"failed": "", "left out": job.not_real}
    print(f"{name}, {records} …", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        subprocess.run(["cp", "-r", str(store), str(home)], check=True)  # noqa: S603, S607 - our own folders
        try:
            if name == "councillor":
                return row | walk_public(browser, trivial, job, home)
            path = job.prepare(home) if job.prepare else job.address
            with serve_home(home) as url:
                cold = walk_once(browser, trivial, job, url + path, url=url)
                if job.again:
                    job.again(home)
                warm = walk_once(browser, trivial, job, url + path, url=url)
        except (Error, subprocess.CalledProcessError, AssertionError, TimeoutError) as error:
            return row | {"failed": describe_failure(error)}
    return row | build_figures(cold, warm)


def walk_public(browser: Browser, trivial: TrivialPage, job: Job, home: Path) -> Row:
    """Both visits of the public page, which is a file: a release of this store."""
    release, site = home.parent / "release", home.parent / "site"
    run_hexbeat("release", "build", "--home", str(home), "--out", str(release))
    run_hexbeat("release", "site", str(release), "--out", str(site))
    address = (site / "index.html").as_uri()
    cold, warm = (walk_once(browser, trivial, job, address) for _ in range(2))
    return build_figures(cold, warm)


def walk_once(browser: Browser, trivial: TrivialPage, job: Job, address: str, *, url: str = "") -> Row:
    """One visit in a new window: steps, seconds, CPU seconds, trivial clicks, and the slowest press."""
    around = trivial.measure()
    with open_walk(browser, job.size, url=url) as walk:
        cpu, started = read_cpu(find_processes(url)), time.perf_counter()
        walk.page.goto(address)
        job.do(walk)
        seconds = time.perf_counter() - started
        used = count_cpu(cpu, read_cpu(find_processes(url)))
    around += trivial.measure()
    slowest = max(walk.clicks, key=lambda click: click.seconds, default=None)
    return {
        "steps": walk.steps,
        "s": seconds,
        "CPU s": used,
        "times": seconds / find_median(around),
        "slowest": f"{slowest.name} {slowest.seconds / find_median(around):.1f}" if slowest else "",
    }


def build_figures(cold: Row, warm: Row) -> Row:
    """The row of a job from its two visits; failed if one took longer than a minute."""
    late = [visit["s"] for visit in (cold, warm) if visit["s"] > MOST_S]
    figures: Row = {"steps": cold["steps"]}
    for name in ("s", "times", "CPU s"):
        figures |= {f"cold {name}": round(cold[name], 2), f"warm {name}": round(warm[name], 2)}
    return figures | {
        "slowest press, times": warm["slowest"],
        "failed": f"it took {max(late):.0f} s" if late else "",
    }


def describe_failure(error: BaseException) -> str:
    """What went wrong, in a line."""
    text = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
    return re.sub(r"\s+", " ", text.strip())[:300]


if __name__ == "__main__":
    sys.exit(main())
