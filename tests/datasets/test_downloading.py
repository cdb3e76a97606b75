"""Downloads from a server that misbehaves: nothing wrong is ever kept, and what was cut resumes."""

from __future__ import annotations

import email.utils
import hashlib
import json
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from benchbench.datasets import downloading, replies
from benchbench.datasets.downloading import Part, download
from benchbench.datasets.manifest import File, Source
from benchbench.datasets.replies import OPENER
from benchbench.errors import DataUnavailable, RunError
from benchbench.types import Content
from tests.datasets.server import Answer, Server

BODY = bytes(range(256)) * 4_000
RECORDS = json.dumps([{"caption": f"text {i}" * 50} for i in range(2_000)]).encode()
WRONG = BODY[::-1]

pytestmark = pytest.mark.usefixtures("waits")


def described(*urls: str, body: bytes = BODY, sized: bool = True, kind: str = "sha256") -> File:
    digest = f"{kind}:{hashlib.new(kind, body).hexdigest()}"
    sources = tuple(Source(url) for url in urls)
    return File("file.bin", sources, len(body) if sized else None, digest)


def unpinned(*urls: str) -> File:
    """A file without digest or size, known by its content alone."""
    return File("file.json", tuple(map(Source, urls)), content=Content(2_000))


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("kind", ["sha256", "sha1", "md5"])
def test_a_sound_file_gets_its_name(server: Server, tmp_path: Path, kind: str) -> None:
    told: list[tuple[str, int, int]] = []
    file = described(server.serve("/f", BODY), kind=kind)
    download(file, tmp_path / "a" / "file.bin", progress=lambda *each: told.append(each))
    assert (tmp_path / "a" / "file.bin").read_bytes() == BODY
    assert left(tmp_path / "a") == ["file.bin"]
    assert told[-1] == ("file.bin", 1, 1)
    assert server.requests[0][1]["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("sized", [True, False])
def test_a_cut_connection_resumes_where_it_was(server: Server, tmp_path: Path, sized: bool) -> None:
    cuts = [Answer(BODY, cut=300_000), Answer(BODY, cut=200_000), Answer(BODY)]
    download(described(server.serve("/f", *cuts), sized=sized), tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == BODY
    assert server.ranges() == ["", "bytes=300000-", "bytes=500000-"]
    assert left(tmp_path) == ["file.bin"]


def test_a_killed_download_is_continued_by_the_next_process(server: Server, tmp_path: Path) -> None:
    place = tmp_path / "file.bin"
    dead = server.serve("/f", Answer(BODY, cut=400_000), Answer(status=404))
    with pytest.raises(DataUnavailable, match="404: there is no such file"):
        download(described(dead), place)
    assert left(tmp_path) == [".file.bin.part", ".file.bin.part.json"]
    download(described(server.serve("/f", BODY)), place)
    assert place.read_bytes() == BODY
    assert server.ranges()[-1] == "bytes=400000-"


def test_with_a_digest_a_mirror_continues_what_another_began(
    server: Server, tmp_path: Path
) -> None:
    first = server.serve("/first", Answer(BODY, cut=400_000), Answer(status=503, tag=""))
    second = server.serve("/second", Answer(BODY, tag='"of another server"'))
    download(described(first, second), tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == BODY
    assert server.requests[-1][0] == "/second"
    assert server.requests[-1][1]["Range"] == "bytes=400000-"
    assert "If-Range" not in server.requests[-1][1], "another server's validator says nothing"


def test_a_server_that_ignores_ranges_is_read_from_the_start(
    server: Server, tmp_path: Path
) -> None:
    url = server.serve("/f", Answer(BODY, cut=300_000), Answer(BODY, ranges=False))
    download(described(url), tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == BODY


@pytest.mark.parametrize("honest", [True, False])
def test_a_file_that_changes_while_it_is_read_is_never_joined(
    server: Server, tmp_path: Path, honest: bool
) -> None:
    """Honest servers answer If-Range with the whole; others send the rest of the new file."""
    old = RECORDS.replace(b"text", b"word")
    tags = {} if honest else {"tag": '"same"'}
    changed = Answer(RECORDS, **tags)  # type: ignore[arg-type]
    url = server.serve("/f", Answer(old, cut=250_000, **tags), changed)  # type: ignore[arg-type]
    file = File("file.json", (Source(url),), digest=described(url, body=RECORDS).digest)
    download(file, tmp_path / "file.json")
    assert (tmp_path / "file.json").read_bytes() == RECORDS
    assert left(tmp_path) == ["file.json"]


def test_without_a_digest_a_part_is_resumed_only_if_the_server_confirms_it(
    server: Server, tmp_path: Path
) -> None:
    old = RECORDS.replace(b"text", b"word")
    url = server.serve("/f", Answer(old, cut=250_000), Answer(RECORDS))
    download(unpinned(url), tmp_path / "file.json")
    assert (tmp_path / "file.json").read_bytes() == RECORDS
    server.requests.clear()
    url = server.serve("/g", Answer(RECORDS, cut=250_000, tag=""), Answer(RECORDS, tag=""))
    download(unpinned(url), tmp_path / "b" / "file.json")
    assert server.ranges() == ["", ""], "no validator: from the start"
    server.requests.clear()
    url = server.serve("/h", Answer(RECORDS, cut=250_000), Answer(RECORDS))
    download(unpinned(url), tmp_path / "c" / "file.json")
    assert server.ranges() == ["", "bytes=250000-"]


def test_another_address_does_not_continue_a_file_without_digest(
    server: Server, tmp_path: Path
) -> None:
    first = server.serve("/a", Answer(RECORDS, cut=250_000), Answer(status=404))
    second = server.serve("/b", Answer(RECORDS))
    download(unpinned(first, second), tmp_path / "file.json")
    assert server.ranges() == ["", "bytes=250000-", ""]


def test_a_part_that_ends_where_it_should_not_is_refused(server: Server, tmp_path: Path) -> None:
    url = server.serve("/f", Answer(BODY, cut=300_000), Answer(BODY, offset=5), Answer(BODY))
    download(described(url), tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == BODY


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(WRONG), "it is another file: its digest is"),
        (Answer(BODY + b"more"), "it has 1,024,004 bytes, not 1,024,000"),
        (Answer(BODY[:-1]), "it has 1,023,999 bytes, not 1,024,000"),
        (Answer(BODY, length=500_000), "it has 500,000 bytes, not 1,024,000"),
        (Answer(BODY + BODY, length=-1), "it is longer than 1,024,000 bytes"),
        (Answer(BODY[:5000], length=-1), r"the connection was cut \(5 attempts\)|another file"),
        (Answer(BODY, cut=0), r"the connection was cut \(5 attempts\)"),
        (Answer(BODY, headers={"Content-Encoding": "gzip"}), r"sent in another form \(gzip\)"),
        (Answer(status=401), "401: access is refused"),
        (Answer(status=403), "403: access is refused"),
        (Answer(status=404), "404: there is no such file"),
        (Answer(status=410), "410: the file has been removed"),
        (Answer(status=429), r"429: too many requests; try again later \(5 attempts\)"),
        (Answer(status=500), r"500: .* \(5 attempts\)"),
        (Answer(status=302, headers={"Location": "file:///etc/passwd"}), "or leave HTTP"),
        (Answer(status=302, headers={"Location": "/f"}), "redirects form a circle"),
        (Answer(status=302, headers={"Location": "ftp://127.0.0.1/x"}), "not encrypted"),
    ],
)  # fmt: skip
def test_nothing_wrong_is_kept_and_the_next_source_is_tried(
    server: Server, tmp_path: Path, answer: Answer, reason: str
) -> None:
    bad = server.serve("/f", answer)
    with pytest.raises(DataUnavailable, match=reason):
        download(described(bad), tmp_path / "file.bin")
    assert "file.bin" not in left(tmp_path)
    download(described(bad, server.serve("/good", BODY)), tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == BODY
    assert left(tmp_path) == ["file.bin"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(b"<html>quota exceeded</html>", kind="text/html"), "a web page, not the file"),
        (Answer(RECORDS[:-5]), "is not valid JSON"),
        (Answer(b"[]"), "it has 0 records, not 2,000"),
    ],
)
def test_a_file_without_digest_is_known_by_its_content(
    server: Server, tmp_path: Path, answer: Answer, reason: str
) -> None:
    with pytest.raises(DataUnavailable, match=reason):
        download(unpinned(server.serve("/f", answer)), tmp_path / "file.json")
    assert left(tmp_path) == []


def test_sources_are_tried_in_their_order_and_all_reasons_are_told(
    server: Server, tmp_path: Path
) -> None:
    urls = [
        server.serve("/gone", Answer(status=404)),
        server.serve("/wrong", WRONG),
        server.serve("/good", BODY),
        server.serve("/never", BODY),
    ]
    download(described(*urls), tmp_path / "file.bin")
    assert server.paths() == ["/gone", "/wrong", "/good"]
    with pytest.raises(DataUnavailable, match=r"file\.bin cannot be downloaded") as caught:
        download(described(*urls[:2]), tmp_path / "other.bin")
    assert f"{urls[0]}: 404" in str(caught.value)
    assert f"{urls[1]}: it is another file" in str(caught.value)
    with pytest.raises(DataUnavailable, match="no source is known"):
        download(described(), tmp_path / "other.bin")


def test_a_server_that_asks_to_wait_is_waited_for_within_bounds(
    server: Server, tmp_path: Path, waits: list[float]
) -> None:
    date = email.utils.formatdate(time.time() + 50, usegmt=True)
    url = server.serve(
        "/f",
        Answer(status=429, headers={"Retry-After": "7"}),
        Answer(status=503, headers={"Retry-After": date}),
        Answer(status=502),
        Answer(BODY),
    )
    download(described(url), tmp_path / "file.bin")
    assert waits[0] == 7
    assert 40 < waits[1] <= 50
    assert waits[2] == 4
    url = server.serve("/g", Answer(status=429, headers={"Retry-After": "86400"}))
    with pytest.raises(DataUnavailable, match="429: too many requests; try again later"):
        download(described(url), tmp_path / "other.bin")
    assert len(waits) == 3


def test_a_server_that_says_nothing_is_given_up(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloading, "SECONDS", 0.1)
    monkeypatch.setattr(downloading, "TRIES", 2)
    slow = server.serve("/slow", Answer(BODY, stall=1))
    with pytest.raises(DataUnavailable, match=r"timed out \(2 attempts\)"):
        download(described(slow), tmp_path / "file.bin")
    with pytest.raises(DataUnavailable, match="refused"):
        download(described("http://127.0.0.1:9/x"), tmp_path / "file.bin")


def test_redirects_are_followed_and_credentials_stay_with_their_host(
    server: Server, tmp_path: Path
) -> None:
    port = server.url.rpartition(":")[2]
    other = server.serve("/there", BODY).replace("127.0.0.1", "localhost")
    near = server.serve("/near", Answer(status=307, headers={"Location": "/far"}))
    server.serve("/far", Answer(status=302, headers={"Location": other}))
    with replies.replied(near, {"Range": "bytes=10-"}, "Bearer secret", 5) as reply:
        assert reply.continues(10)
    tokens = [headers.get("Authorization") for _, headers in server.requests]
    assert tokens == ["Bearer secret", "Bearer secret", None]
    assert [headers["Host"] for _, headers in server.requests][-1] == f"localhost:{port}"
    download(described(near), tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == BODY


def test_https_never_becomes_http() -> None:
    handlers = vars(OPENER)["handlers"]
    (handler,) = (each for each in handlers if isinstance(each, replies._Redirects))
    request = urllib.request.Request("https://example.org/a")
    with pytest.raises(DataUnavailable, match=r"redirects to http://example\.org/a"):
        handler.redirect_request(request, None, 302, "", {}, "http://example.org/a")  # type: ignore[arg-type]
    kept = handler.redirect_request(request, None, 302, "", {}, "https://example.org/b")  # type: ignore[arg-type]
    assert kept is not None
    assert kept.full_url == "https://example.org/b"


@pytest.mark.usefixtures("trusted")
def test_over_tls_a_redirect_to_plain_http_is_refused(
    server: Server, secure: Server, tmp_path: Path
) -> None:
    plain = server.serve("/f", BODY)
    away = secure.serve("/away", Answer(status=302, headers={"Location": plain}))
    with pytest.raises(DataUnavailable) as caught:
        download(described(away), tmp_path / "file.bin")
    assert str(caught.value) == (
        f"file.bin cannot be downloaded ({away}: it redirects to {plain}, which is not encrypted)"
    )
    assert server.requests == []
    assert secure.paths() == ["/away"]
    assert left(tmp_path) == []
    near = secure.serve("/near", Answer(status=302, headers={"Location": "/f"}))
    secure.serve("/f", Answer(BODY, cut=300_000), BODY)
    download(described(near), tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == BODY


def test_a_certificate_that_is_not_trusted_is_refused_at_once(
    secure: Server, tmp_path: Path, waits: list[float]
) -> None:
    url = secure.serve("/f", BODY)
    with pytest.raises(DataUnavailable, match=r"its certificate is not trusted: self.signed"):
        download(described(url), tmp_path / "file.bin")
    assert (secure.requests, waits, left(tmp_path)) == ([], [], [])
    wrong = url.replace("127.0.0.1", "localhost")
    with pytest.raises(DataUnavailable, match="its certificate is not trusted"):
        download(described(wrong), tmp_path / "file.bin")


def test_a_part_longer_than_the_file_or_a_stray_note_is_dropped(
    server: Server, tmp_path: Path
) -> None:
    part = Part.of(tmp_path / "file.bin")
    part.path.write_bytes(BODY + b"more")
    part.note.write_text("[no note")
    download(described(server.serve("/f", BODY)), tmp_path / "file.bin")
    assert left(tmp_path) == ["file.bin"]
    part.path.write_bytes(WRONG)
    server.requests.clear()
    (tmp_path / "file.bin").unlink()
    download(described(server.serve("/f", BODY)), tmp_path / "file.bin")
    assert server.ranges() == [""], "a whole part with a wrong digest: once more, from the start"
    assert (tmp_path / "file.bin").read_bytes() == BODY


def test_two_processes_do_not_write_one_part(server: Server, tmp_path: Path) -> None:
    file = described(server.serve("/f", BODY))
    with downloading._alone(tmp_path), pytest.raises(RunError, match="Another process downloads"):
        download(file, tmp_path / "file.bin")
    download(file, tmp_path / "file.bin")


def test_a_folder_that_cannot_be_written_is_one_error(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    file = described(server.serve("/f", BODY))
    with pytest.raises(RunError, match="Cannot write"):
        download(file, tmp_path / "file" / "inside" / "file.bin")


def test_a_full_disk_is_one_error_and_no_reason_to_try_again(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Part, "begin", full)
    with pytest.raises(RunError, match="No space left"):
        download(described(server.serve("/f", BODY)), tmp_path / "file.bin")
    assert len(server.requests) == 1
