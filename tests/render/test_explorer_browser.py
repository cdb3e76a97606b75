"""The explorer in a browser: clicks, keys, permalinks, hostile texts, a clean console, axe.

Needs the package ``playwright`` and a Chromium on the path; axe-core is run where the variable
``AXE_CORE`` names its ``axe.min.js``.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchbench.analysis.leaderboard import leaderboard
from benchbench.printable import one_line
from benchbench.registry import load_task
from benchbench.render.explorer.report import write_report
from benchbench.run_files import read_all_runs
from tests.render.example_reports import HOSTILE, aro_root, runs_on

if TYPE_CHECKING:
    from collections.abc import Iterator

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on the path")
PUBLISHED = Path(__file__).parents[2] / "leaderboards" / "scenes-v2" / "runs"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return aro_root(tmp_path_factory.mktemp("browser") / "aro", captions=HOSTILE)


@pytest.fixture(scope="module")
def report(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("browser") / "report"
    write_report(runs_on(root), out, data_root=root, images="copy")
    return out


@pytest.fixture(scope="module")
def protocols(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of runs of three protocols."""
    out = tmp_path_factory.mktemp("browser") / "protocols"
    tasks = ("winoground", "coco-retrieval", "vg-relation-detection")
    runs = [run for task in tasks for run in read_all_runs([PUBLISHED / task])]
    write_report(runs, out, ids_only=True)
    return out


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as play:
        found = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def tab(browser: Any) -> Iterator[Any]:
    """A page whose console and dialogs must stay silent."""
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(f"dialog {dialog.message}"))
    yield page
    page.close()
    assert not said


def opened(tab: Any, report: Path, state: str) -> Any:
    tab.goto("about:blank")
    tab.goto((report / "index.html").as_uri() + state)
    return tab


def count(tab: Any) -> str:
    return str(tab.locator("#count").inner_text())


def test_the_board_sorts_by_every_column(tab: Any, report: Path, root: Path) -> None:
    opened(tab, report, "")
    names = tab.locator("section:visible tbody th").all_inner_texts()
    board = leaderboard(runs_on(root))
    assert names[0] == one_line(board.first.model.name)
    head = tab.get_by_role("button", name="aro-paper %")
    head.click()
    scores = [float(t) for t in tab.locator("section:visible td:nth-child(3)").all_inner_texts()]
    assert scores == sorted(scores)
    head.press("Enter")
    scores = [float(t) for t in tab.locator("section:visible td:nth-child(3)").all_inner_texts()]
    assert scores == sorted(scores, reverse=True)
    assert tab.locator("th[aria-sort]").count() == 1


def test_filters_count_what_the_runs_say(tab: Any, report: Path, root: Path) -> None:
    opened(tab, report, "#v=items")
    tab.wait_for_selector("#detail h2")
    runs = [place.run for place in leaderboard(runs_on(root)).places]
    right = [[float(o.scores[0, 0] > o.scores[0, 1]) for o in run.outcomes] for run in runs]
    tied = [[float(o.scores[0, 0] == o.scores[0, 1]) for o in run.outcomes] for run in runs]
    blind = next(m for m, run in enumerate(runs) if not run.model.preprocessing)
    seeing = [m for m in range(3) if m != blind]
    n = len(runs[0].outcomes)
    expected = {
        "all": n,
        "flips": sum(right[0][i] != right[1][i] for i in range(n)),
        "gained": sum(right[1][i] > right[0][i] for i in range(n)),
        "lost": sum(right[0][i] > right[1][i] for i in range(n)),
        "wrong": sum(not any(right[m][i] for m in seeing) for i in range(n)),
        "right": sum(all(right[m][i] for m in seeing) for i in range(n)),
        "blind": sum(right[blind][i] == 1 for i in range(n)),
        "tied": sum(any(tied[m][i] for m in range(3)) for i in range(n)),
    }
    for show, number in expected.items():
        tab.select_option("#show", show)
        assert count(tab) == f"{number} of {n} items", show
    tab.get_by_role("button", name="Clear").click()
    tab.wait_for_timeout(100)
    tab.select_option("#tag", "relation")
    tab.select_option("#value", "riding")
    riding = sum(o.tags["relation"] == "riding" for o in runs[0].outcomes)
    assert count(tab) == f"{riding} of {n} items"


def test_search_finds_captions_and_ids(tab: Any, report: Path) -> None:
    opened(tab, report, "#v=items")
    tab.fill("#q", "MAT 17")
    tab.get_by_text("1 of 67 items").wait_for()
    assert tab.locator("#list .item .id").all_inner_texts() == ["24"]
    tab.fill("#q", "no such words")
    tab.get_by_text("0 of 67 items").wait_for()
    assert "Clear a filter" in tab.locator("#detail").inner_text()


def test_permalinks_restore_the_state(tab: Any, report: Path, browser: Any) -> None:
    opened(tab, report, "#v=items&show=flips&a=1&b=2&sort=hardest")
    tab.wait_for_selector("#detail h2")
    tab.keyboard.press("Tab")
    tab.locator("#list").focus()
    for key in ("ArrowDown", "ArrowDown", "PageDown", "ArrowUp"):
        tab.keyboard.press(key)
    tab.wait_for_timeout(100)
    chosen, address = tab.locator("#detail h2 bdi").inner_text(), tab.url
    assert "show=flips" in address
    assert f"i={chosen}" in address
    other = browser.new_page()
    other.goto(address)
    other.wait_for_selector("#detail h2")
    assert other.locator("#detail h2 bdi").inner_text() == chosen
    assert other.locator("#count").inner_text() == count(tab)
    assert [other.input_value(f"#{name}") for name in ("show", "a", "b", "sort")] == [
        "flips", "1", "2", "hardest",
    ]  # fmt: skip
    other.close()
    opened(tab, report, "#v=items&i=nonsense")
    tab.get_by_text("There is no item nonsense.").wait_for()


def test_decisions_show_dashes_and_offer_no_order_by_margin(
    tab: Any, root: Path, tmp_path: Path
) -> None:
    runs = [
        replace(run, settings={**run.settings, "imported": {"decisions_only": True}})
        if run.model.name == runs_on(root)[0].model.name
        else run
        for run in runs_on(root)
    ]
    write_report(runs, tmp_path / "out", ids_only=True)
    places = [place.run for place in leaderboard(runs).places]
    n = next(i for i, run in enumerate(places) if run.decisions_only)
    other = next(i for i, run in enumerate(places) if not run.decisions_only)
    opened(tab, tmp_path / "out", f"#v=items&b={n}&sort=margin")
    tab.wait_for_selector("#detail table")
    margin = tab.locator("#sort option[value=margin]")
    assert margin.is_disabled()
    assert tab.locator("#sort").input_value() == "file"
    rows = tab.locator("#detail table").last.locator("tr:has(td)").all()
    for row, run in zip(rows, places, strict=True):
        cells = row.locator("td").all_inner_texts()[-3:]
        dashes = {text.replace("≡", "").strip() for text in cells} == {"–"}
        assert dashes is run.decisions_only
    tab.select_option("#b", str(other))
    assert margin.is_enabled()
    tab.select_option("#sort", "margin")
    tab.select_option("#b", str(n))
    assert tab.locator("#sort").input_value() == "file"


def test_the_list_is_walked_by_keys_and_draws_few_rows(tab: Any, report: Path) -> None:
    opened(tab, report, "#v=items")
    tab.wait_for_selector("#detail h2")
    tab.locator("#list").focus()
    tab.keyboard.press("End")
    tab.wait_for_timeout(100)
    assert tab.locator("#detail h2 bdi").inner_text() == "66"
    active = tab.locator("#list").get_attribute("aria-activedescendant")
    assert tab.locator(f"#{active}").get_attribute("aria-selected") == "true"
    assert tab.locator("#list .item").count() < 40
    tab.keyboard.press("Home")
    tab.wait_for_timeout(100)
    assert tab.locator("#detail h2 bdi").inner_text() == "0"


def test_hostile_captions_and_names_are_shown_as_text(tab: Any, report: Path) -> None:
    for i, caption in enumerate(HOSTILE):
        opened(tab, report, f"#v=items&i={i}")
        tab.wait_for_selector("#detail .captions")
        shown = tab.locator("#detail .captions li bdi").first.inner_text()
        assert shown == " ".join(one_line(caption).split())
    assert tab.locator("#detail script, #detail b, #list b").count() == 0
    for view in ("board", "groups", "models"):
        opened(tab, report, f"#v={view}")
        tab.wait_for_timeout(200)
        assert "<b onmouseover=alert(1)>&\\u202eeman" in tab.locator("main").inner_text()


def test_the_crop_is_drawn_on_the_image(tab: Any, report: Path, root: Path) -> None:
    opened(tab, report, "#v=items&i=0")
    box = load_task("vg-relation").items(root)[0].images[0].box
    rect = tab.locator("#detail .shot rect").nth(1)
    rect.wait_for(state="attached")
    left, top, right, bottom = box
    assert [float(rect.get_attribute(n)) for n in ("x", "y", "width", "height")] == [
        left, top, right - left, bottom - top,
    ]  # fmt: skip
    assert tab.locator(".shot > svg").get_attribute("viewBox") == "0 0 80 60"
    assert tab.locator(".shot img").evaluate("image => image.naturalWidth") == 80


def test_groups_link_to_their_items(tab: Any, report: Path) -> None:
    opened(tab, report, "#v=groups")
    tab.get_by_role("link", name="riding").click()
    tab.wait_for_selector("#detail h2")
    assert tab.input_value("#value") == "riding"
    opened(tab, report, "#v=groups")
    tab.locator(".reference:visible").select_option("2")
    tab.wait_for_timeout(200)
    heads = tab.locator(".map:visible thead th").all_inner_texts()
    assert heads[4].endswith("(score)")


def test_two_manifests_are_compared(tab: Any, report: Path) -> None:
    opened(tab, report, "#v=models")
    section = tab.locator("section:visible")
    section.locator(".one").select_option("0")
    section.locator(".two").select_option("1")
    assert section.locator("thead th:visible").count() == 3
    rows = section.locator("tbody tr:visible")
    for i in range(rows.count()):
        one, two = rows.nth(i).locator("td:visible").all_inner_texts()
        assert one != two


def test_every_protocol_has_its_view(tab: Any, protocols: Path) -> None:
    for task, words in (
        ("winoground", "image 2, caption 1"),
        ("coco-retrieval", "Each caption searches images"),
        ("vg-relation-detection", "True triples, and their places"),
    ):
        opened(tab, protocols, f"#t={task}%40scenes-v2&v=items")
        tab.wait_for_selector("#detail h3")
        assert words in tab.locator("#detail").inner_text()
        assert "Captions and images are not shown" in tab.locator("#missing").inner_text()
    tab.locator("#task").select_option("winoground@scenes-v2")
    tab.wait_for_timeout(300)
    assert "winoground" in tab.locator("#items-of").inner_text()
    assert tab.evaluate("Object.keys(window.benchbench).every(key => key.startsWith('2/'))")
    opened(tab, protocols, "#t=coco-retrieval%40scenes-v2&v=groups")
    assert tab.locator(".map:visible th").nth(1).inner_text() == "queries"


@contextlib.contextmanager
def served(folder: Path, late: str = "", come: threading.Event | None = None) -> Iterator[str]:
    """Serve a folder; the paths that begin with ``late`` wait until they may ``come``."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Print nothing."""

        def do_GET(self) -> None:
            if come and self.path.startswith(late):
                come.wait(20)
            super().do_GET()

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/index.html"
        finally:
            server.shutdown()


def test_a_static_host_serves_it(browser: Any, report: Path) -> None:
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: said.append(request.url))
    with served(report) as address:
        page.goto(f"{address}#v=items")
        page.wait_for_selector("#detail h2")
        page.close()
    inside = [each for each in said if each.startswith(address.removesuffix("index.html"))]
    assert [each for each in said if each not in inside] == []
    assert len(inside) > 5


@pytest.mark.parametrize("view", ["items", "board"])
def test_late_data_are_not_shown_under_another_task(tab: Any, protocols: Path, view: str) -> None:
    late, other = (f"#t={task}%40scenes-v2&v=" for task in ("coco-retrieval", "winoground"))
    come, loading = threading.Event(), "script[src^='data/0/']"
    with served(protocols, "/data/0/", come) as address:
        tab.goto(f"{address}{other}board")
        tab.evaluate(f"location.hash = '{late}items'")
        tab.wait_for_selector(loading, state="attached")
        tab.select_option("#show", "wrong")  # no item is there yet
        tab.evaluate(f"location.hash = '{other}{view}'")
        tab.wait_for_selector("#detail h2" if view == "items" else "section[data-task='2']")
        come.set()
        tab.wait_for_selector(loading, state="detached")
        tab.wait_for_timeout(200)
        assert f"{other}{view}" in tab.url
        assert tab.evaluate("open?.task.number ?? 2") == 2


def test_the_link_to_the_content_leaves_the_address(tab: Any, protocols: Path) -> None:
    state = "#t=winoground%40scenes-v2&v=groups"
    opened(tab, protocols, state)
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "main"
    assert tab.url.endswith(state)


def test_without_scripts_boards_and_manifests_are_there(browser: Any, protocols: Path) -> None:
    page = opened(browser.new_page(java_script_enabled=False), protocols, "")
    assert "Boards and manifests follow" in page.locator("main").inner_text()
    views = [each.get_attribute("data-view") for each in page.locator("section:visible").all()]
    assert views == ["board", "models"] * 3
    assert page.locator("table.manifest:visible tbody tr:visible").count() > 100
    assert page.locator("nav:visible, select:visible, input:visible, button:visible").count() == 0
    page.close()


def test_other_views_do_not_show_before_the_scripts_run(browser: Any, report: Path) -> None:
    come, page = threading.Event(), browser.new_page()
    with served(report, "/explorer.js", come) as address:
        page.goto(f"{address}#v=models", wait_until="commit")
        page.wait_for_selector("footer")
        assert page.locator("section:visible").count() == 1
        come.set()
        page.locator("section[data-view=models]").wait_for()
    page.close()


def test_one_run_is_not_compared(tab: Any, root: Path, tmp_path: Path) -> None:
    write_report(runs_on(root)[:1], tmp_path / "out", ids_only=True)
    opened(tab, tmp_path / "out", "#v=groups")
    tab.locator(".map:visible td").first.wait_for()
    said = tab.locator("section:visible").inner_text()
    assert "Groups of relation." in said
    assert "ifference" not in said
    opened(tab, tmp_path / "out", "#v=models")
    assert tab.locator(".manifest tbody tr:visible").count() > 10


@pytest.mark.skipif(not os.environ.get("AXE_CORE"), reason="AXE_CORE names no axe.min.js")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_axe_finds_no_violation(
    browser: Any, report: Path, protocols: Path, scheme: str, width: int
) -> None:
    axe = Path(os.environ["AXE_CORE"]).read_text("utf-8")
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    states = [(report, f"#v={view}") for view in ("board", "groups", "items", "models")]
    states += [
        (protocols, f"#t={task}%40scenes-v2&v=items")
        for task in ("winoground", "coco-retrieval", "vg-relation-detection")
    ]
    states.append((report, "#v=items&q=nothing+at+all"))
    for folder, state in states:
        opened(page, folder, state)
        page.wait_for_timeout(400)
        page.evaluate(axe)
        found = page.evaluate("axe.run(document, {preload: false}).then((r) => r.violations)")
        assert [(each["id"], [n["html"] for n in each["nodes"]]) for each in found] == [], state
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wide) <= 0, state
    page.close()
