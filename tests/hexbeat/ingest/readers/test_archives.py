"""Archives are containers: their members are read, each as a file of its own, within limits."""

import gzip
import io
import zipfile
from pathlib import Path

import geopandas
import pytest
import shapely
import xlsxwriter

from geo.errors import DataError
from hexbeat.ingest.readers import LIMITS, Limits, Members, ReadOptions, open_file, open_members

CSV = "layer,lon,lat,date\nneedle_litter,-1.23,54.57,2026-01-01\n"
ARCHIVE_HINT = "unpack it, and load the files that you need"


def pack(path: Path, members: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def names(path: Path, *, file_name: str | None = None, limits: Limits = LIMITS) -> tuple[list[str], Members]:
    """The names of the members that are read; each of them is opened, too."""
    with open_members(path, file_name=file_name, limits=limits) as files:
        for member in files.members:
            with open_file(member.path, ReadOptions(), name=member.name) as opened:
                assert sum(len(chunk.lines) for chunk in opened.chunks(opened.columns)) > 0
        return [member.name for member in files.members], files


def refusal(path: Path, *, file_name: str | None = None, limits: Limits = LIMITS) -> str:
    with pytest.raises(DataError) as caught:
        names(path, file_name=file_name, limits=limits)
    return str(caught.value)


def test_every_table_of_an_archive_is_read_and_the_rest_is_named(tmp_path: Path) -> None:
    path = pack(
        tmp_path / "finds.zip",
        {
            "2024-02/finds.csv": CSV, "2024-01/finds.csv": CSV, "notes.txt": "by hand", "photo.png": b"\x89PNG",
            "__MACOSX/2024-01/._finds.csv": b"\x00", ".DS_Store": b"\x00",
        },
    )  # fmt: skip
    read, files = names(path)
    assert read == ["finds.zip/2024-01/finds.csv", "finds.zip/2024-02/finds.csv"]
    assert files.describe_passed_over("finds.zip") == (
        "finds.zip: 2 of 4 files are read; passed over: notes.txt, photo.png"
    )


def test_a_pattern_chooses_members_by_their_last_name(tmp_path: Path) -> None:
    members = {f"2024-01/2024-01-{kind}.csv": CSV for kind in ("a-street", "a-outcomes", "b-street")}
    path = pack(tmp_path / "police-street.zip", members)
    read, files = names(path, file_name=r"-street\.csv$")
    assert read == ["police-street.zip/2024-01/2024-01-a-street.csv", "police-street.zip/2024-01/2024-01-b-street.csv"]
    assert files.passed_over == ("2024-01/2024-01-a-outcomes.csv",)
    assert refusal(path, file_name="stop-and-search") == (
        "An archive holds a file whose name the source profile expects; the files of police-street.zip are "
        "2024-01/2024-01-a-street.csv, 2024-01/2024-01-a-outcomes.csv, 2024-01/2024-01-b-street.csv; "
        "choose the source that these files belong to"
    )


def test_for_a_look_only_the_first_members_are_unpacked(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {f"{number}.csv": CSV for number in range(9)})
    with open_members(path, most=2) as files:
        assert [member.name for member in files.members] == ["a.zip/0.csv", "a.zip/1.csv"]


def test_many_that_are_passed_over_are_counted(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"a.csv": CSV} | {f"{number:02}.png": "x" for number in range(13)})
    assert names(path)[1].describe_passed_over("a.zip") == (
        "a.zip: 1 of 14 files are read; passed over: 00.png, 01.png, 02.png, 03.png, 04.png, 05.png, 06.png, 07.png, "
        "08.png, 09.png and 3 more"
    )


@pytest.mark.slow
def test_a_zipped_shapefile_is_read_with_its_parts(tmp_path: Path) -> None:
    frame = geopandas.GeoDataFrame({"layer": ["x"]}, geometry=[shapely.Point(449_500, 520_500)], crs="EPSG:27700")
    frame.to_file(tmp_path / "finds.shp")
    parts = {f"Export/finds{suffix}": (tmp_path / f"finds{suffix}").read_bytes() for suffix in (".shp", ".shx", ".dbf")}
    parts["Export/finds.PRJ"] = (tmp_path / "finds.prj").read_bytes()
    path = pack(tmp_path / "finds.zip", parts)
    read, files = names(path)
    assert (read, files.passed_over) == (["finds.zip/Export/finds.shp"], ())
    with open_file(path, ReadOptions(records="features")) as opened:
        assert "27700" in str(opened.crs)
        assert next(opened.chunks(("layer",))).frame["layer"].tolist() == ["x"]


def test_gzip_is_read_under_its_own_name(tmp_path: Path) -> None:
    path = tmp_path / "finds.csv.gz"
    path.write_bytes(gzip.compress(CSV.encode()))
    assert names(path)[0] == ["finds.csv.gz"]
    with open_file(path, ReadOptions()) as opened:
        assert opened.columns == ("layer", "lon", "lat", "date")


def test_archives_in_an_archive_are_opened_but_not_without_end(tmp_path: Path) -> None:
    inner = pack(tmp_path / "inner.zip", {"a.csv": CSV}).read_bytes()
    path = pack(tmp_path / "outer.zip", {"inner.zip": inner, "b.csv.gz": gzip.compress(CSV.encode())})
    assert names(path)[0] == ["outer.zip/b.csv.gz", "outer.zip/inner.zip/a.csv"]
    deeper = pack(tmp_path / "deeper.zip", {"outer.zip": path.read_bytes()})
    assert refusal(deeper) == (
        "Archives are in each other at most 2 deep; deeper.zip/outer.zip/b.csv.gz is deeper; "
        "unpack it first and name the files inside"
    )


@pytest.mark.slow
def test_a_bomb_is_refused_by_its_bytes_its_ratio_and_its_members(tmp_path: Path) -> None:
    path = pack(tmp_path / "bomb.zip", {"a.csv": "a,b\n" + "1,2\n" * 8_000_000})
    rule, hint = "bomb.zip/a.csv has to be an ordinary archive; it unpacks to more than", ARCHIVE_HINT
    assert refusal(path) == f"{rule} 200 times its size; {hint}"
    assert refusal(path, limits=Limits(expanded_bytes=5_000_000)) == f"{rule} 5 MB; {hint}"
    gzipped = tmp_path / "bomb.csv.gz"
    gzipped.write_bytes(gzip.compress(b"0" * 20_000_000))
    assert refusal(gzipped).endswith(f"it unpacks to more than 200 times its size; {hint}")
    many = pack(tmp_path / "many.zip", {f"{number}.csv": CSV for number in range(30)})
    assert refusal(many, limits=Limits(members=20)) == (
        f"many.zip has to be an ordinary archive; it has more than 20 files; {hint}"
    )


def test_the_bytes_of_all_members_count_together(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {f"{number}.csv": "a,b\n" + "1,2\n" * 1000 for number in range(4)})
    assert refusal(path, limits=Limits(expanded_bytes=9_000)) == (
        f"a.zip/2.csv has to be an ordinary archive; it unpacks to more than 0 MB; {ARCHIVE_HINT}"
    )


@pytest.mark.parametrize("name", ["/etc/finds.csv", "../finds.csv", "a/../../finds.csv", "C:\\finds.csv", "..\\f.csv"])
def test_a_name_that_leads_out_of_the_archive(tmp_path: Path, name: str) -> None:
    assert refusal(pack(tmp_path / "a.zip", {name: CSV})) == (
        f"a.zip has to be an ordinary archive; it has a file whose name leads out of it; {ARCHIVE_HINT}"
    )


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("finds.csv")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert refusal(tmp_path / "a.zip") == (
        f"a.zip has to be an ordinary archive; it has a link in place of a file; {ARCHIVE_HINT}"
    )


def test_an_archive_with_a_password(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"a.csv": CSV})
    data = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(mark) + place] |= 1
    path.write_bytes(data)
    assert refusal(path) == (
        "a.zip has to be an archive without a password; its files are encrypted; pack it again without a password"
    )


@pytest.mark.parametrize("name", ["a.zip", "a.csv.gz"])
def test_a_truncated_archive(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("a.csv", CSV)
    data = whole.getvalue() if name == "a.zip" else gzip.compress(CSV.encode())
    path.write_bytes(data[: len(data) // 2])
    kind = "BadZipFile" if name == "a.zip" else "EOFError"
    assert refusal(path) == (
        f"{name} has to be a complete archive; it is cut off or damaged ({kind}); copy or download it again"
    )


def test_what_an_archive_is_instead(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "book.xlsx") as book:
        book.add_worksheet().write(0, 0, "x")
    (tmp_path / "book.xlsx").rename(tmp_path / "book.zip")
    assert refusal(tmp_path / "book.zip") == (
        "book.zip has to be an archive of files; it is a workbook or a document; give it the ending of its kind"
    )
    tar = bytearray(1024)
    tar[257:262] = b"ustar"
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(bytes(tar)))
    assert refusal(tmp_path / "a.tar.gz") == (
        "a.tar.gz has to be one packed file; it is a tar archive; unpack it, and pack its files as ZIP"
    )
    empty = pack(tmp_path / "none.zip", {"photo.png": "x"})
    assert refusal(empty).endswith("; the files of none.zip are photo.png; export the records in one of these formats")


def test_one_file_is_asked_for_where_only_one_is_read(tmp_path: Path) -> None:
    path = pack(tmp_path / "two.zip", {"a.csv": CSV, "b.csv": CSV})
    with pytest.raises(DataError) as caught, open_file(path, ReadOptions()):
        pass
    assert str(caught.value) == (
        "two.zip has to hold one file of records; it holds two.zip/a.csv, two.zip/b.csv; unpack it and name one of them"
    )


def test_a_fault_in_a_member_names_the_member(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"2024-01/finds.csv": "layer,lon\n"})
    assert refusal(path) == ("a.zip/2024-01/finds.csv needs rows below its headings; it has none; export it again")
