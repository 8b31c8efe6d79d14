"""The pages of one job: overview, log, items, stats, arguments, history, and its buttons."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import expect

from aioscrapy_scrapyd.web.itemfile import ROWS, ItemError, converted, read_items
from aioscrapy_scrapyd.web.logfile import LINES, Wish, line_start, read_after, read_before
from aioscrapy_scrapyd.web.screen import address
from node.conftest import APPLICATION
from page.examples import HOSTILE_PROJECT, MARKUP, deploy, forge, run
from support.browser import CHECKED, WAYS, Visitor
from support.scrapyd import ScrapydServer
from support.site import Site

TABS = ("overview", "log", "items", "stats", "arguments", "history")
EVERYTHING = Wish()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, site_server: Site) -> Iterator[ScrapydServer]:
    """A node with a good, a failed and a hostile job that have ended, and jobs with hostile names."""
    folder: Path = tmp_path_factory.mktemp("node")
    (folder / "dbs").mkdir()
    forge(folder)
    with ScrapydServer(folder, conf={"application": APPLICATION, "node_name": "one"}) as server:
        deploy(server)
        run(server, "quick", "good", site_server.url, pages="12", api_key="hunter2", note=MARKUP)
        run(server, "boom", "bad", site_server.url, pages="3")
        run(server, "hostile", "evil", site_server.url, pages="4")
        for job in ("good", "bad", "evil"):
            server.wait_job(job)
        yield server


def of(job: str, tab: str, project: str = "shop") -> str:
    return address(f"/job/{{project}}/{{job}}/{tab}", {"project": project, "job": job})


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize(("width", "script", "language"), WAYS)
def test_what_a_hostile_job_wrote_is_text(
    visitor: Callable[..., Visitor], tab: str, width: int, script: bool, language: str
) -> None:
    someone = visitor(width=width, script=script, language=language)
    page = someone.open(of("evil", tab))
    assert page.title() == "evil · one"
    assert someone.too_wide() == 0
    assert page.locator("main img, main script, main b").count() == 0
    if (width, script, language) in CHECKED:
        assert someone.accessibility() == []


@pytest.mark.parametrize("job", [MARKUP, "../../etc/passwd", "x.json", "a b?c#d%2F&e", "-"])
def test_jobs_of_every_name_have_their_pages(
    node: ScrapydServer, visitor: Callable[..., Visitor], job: str
) -> None:
    for tab in TABS:
        reply = requests.get(node.url.rstrip("/") + of(job, f"{tab}.json", HOSTILE_PROJECT), timeout=10)
        assert reply.json()["job"]["job"] == job
    page = visitor().open(of(job, "overview", HOSTILE_PROJECT))
    page.get_by_role("link", name="Arguments").click()
    expect(page).to_have_title(f"{job} · one")
    assert page.locator("main img, main script, main b").count() == 0


def test_secrets_are_masked(node: ScrapydServer) -> None:
    for tab in TABS:
        for path in (of("good", tab), of("good", f"{tab}.json")):
            reply = requests.get(node.url.rstrip("/") + path, timeout=10)
            assert reply.status_code == 200
            assert "hunter2" not in reply.text
    data = requests.get(node.url.rstrip("/") + of("good", "arguments.json"), timeout=10).json()
    assert data["job"]["args"]["api_key"] == "•••"
    assert data["job"]["args"]["note"] == MARKUP


def test_a_job_that_does_not_exist_is_404(node: ScrapydServer) -> None:
    for tab in (*TABS, "log/download", "items/download"):
        assert requests.get(node.url.rstrip("/") + of("nix", tab), timeout=10).status_code == 404


def test_the_overview_tells_why_it_failed_and_draws_its_counts(visitor: Callable[..., Visitor]) -> None:
    page = visitor().open(of("bad", "overview"))
    expect(page.locator(".message.bad")).to_contain_text("all_failed")
    page = visitor().open(of("good", "overview"))
    expect(page.locator(".chart canvas")).to_have_count(4)


def test_the_stats_of_the_crawl_are_listed(visitor: Callable[..., Visitor]) -> None:
    page = visitor(script=False).open(of("good", "stats"))
    expect(page.locator("tr", has_text="item_scraped_count").locator("td.n")).to_have_text("11")


def test_a_log_is_filtered_searched_and_linked(visitor: Callable[..., Visitor]) -> None:
    page = visitor().open(of("bad", "log"))
    page.get_by_role("link", name=re.compile("errors: jump")).click()
    lines = page.locator(".line")
    assert 2 <= lines.count() < 100
    assert "RuntimeError" in page.locator(".log").inner_text()
    page.get_by_role("link", name="The lines around it").first.click()
    expect(page.locator(".line.here")).to_be_visible()
    assert page.locator(".line").count() > lines.count() or page.locator(".line.DEBUG").count() > 0
    page = visitor(script=False).open(of("good", "log?q=STORED+JSONLINES"))
    assert page.locator(".line").count() == 1


def test_the_log_of_a_running_job_is_followed(
    node: ScrapydServer, visitor: Callable[..., Visitor], site_server: Site
) -> None:
    run(node, "slow", "talking", site_server.url)
    node.wait_running("talking")
    page = visitor().open(of("talking", "log"))
    expect(page.locator(".log")).to_contain_text("n=3", timeout=20_000)
    seen = page.locator(".line").count()
    expect(page.locator(".line").nth(seen + 3)).to_be_attached(timeout=10_000)
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("The job is being stopped").wait_for()
    expect(page.locator(".state")).to_contain_text("cancelled", timeout=20_000)
    page.get_by_role("button", name="Run again").click()
    page.get_by_text("This job runs again").wait_for()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Kill now").click()
    expect(page.locator(".state")).to_contain_text("cancelled", timeout=20_000)


def test_items_are_a_table_and_downloads(node: ScrapydServer, visitor: Callable[..., Visitor]) -> None:
    page = visitor(script=False).open(of("good", "items"))
    expect(page.locator("table.values").first.locator("th")).to_have_text(["url", "status", "title"])
    assert page.locator("table.values").first.locator("tbody tr").count() == 11
    files = {}
    for form in ("jl", "json", "csv"):
        path = of("good", f"items/download?format={form}")
        reply = requests.get(node.url.rstrip("/") + path, timeout=10)
        assert "attachment" in reply.headers["Content-Disposition"]
        files[form] = reply.text
    items = [json.loads(line) for line in files["jl"].splitlines()]
    assert json.loads(files["json"]) == items
    rows = list(csv.DictReader(io.StringIO(files["csv"])))
    assert [row["url"] for row in rows] == [item["url"] for item in items]
    log = requests.get(node.url.rstrip("/") + of("good", "log/download"), timeout=10)
    assert log.text == node.log("shop", "quick", "good")


@pytest.mark.parametrize(
    "query", ["level=odd", "before=-1", "after=x", "at=1e9", "after=" + "9" * 30, "at=²"]
)
def test_a_wrong_wish_is_one_line(node: ScrapydServer, query: str) -> None:
    reply = requests.get(node.url.rstrip("/") + of("good", f"log?{query}"), timeout=10)
    assert reply.status_code == 400


def write(path: Path, *lines: str | bytes) -> Path:
    path.write_bytes(b"".join(line if isinstance(line, bytes) else f"{line}\n".encode() for line in lines))
    return path


def test_a_log_is_read_in_parts_that_meet(tmp_path: Path) -> None:
    path = write(tmp_path / "log", *(f"2026-11-25 INFO: line {n}" for n in range(3 * LINES)))
    seen: list[str] = []
    before = None
    while before != 0:
        part = read_before(path, EVERYTHING, before)
        seen[:0] = [line.text for line in part.lines]
        before = part.begin
    assert [text.split()[-1] for text in seen] == [str(n) for n in range(3 * LINES)]
    forward: list[str] = []
    after = 0
    while after < path.stat().st_size:
        step = read_after(path, EVERYTHING, after, complete=True)
        forward += [line.text for line in step.lines]
        after = step.end
    assert forward == seen


def test_a_line_that_is_being_written_comes_when_it_is_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "log", "one", b"half")
    part = read_after(path, EVERYTHING, 0, complete=False)
    assert [line.text for line in part.lines] == ["one"]
    with path.open("ab") as file:
        file.write(b" done\n")
    assert [line.text for line in read_after(path, EVERYTHING, part.end, complete=False).lines] == [
        "half done"
    ]
    assert [line.text for line in read_after(write(path, b"half"), EVERYTHING, 0, complete=True).lines] == [
        "half"
    ]


def test_a_log_of_strange_bytes_is_text(tmp_path: Path) -> None:
    path = write(tmp_path / "log", b"\xff\xfe\x00 ERROR: \x1b[31m\n", b"\r\n\r\n", "\u202eabc", "x" * 100_000)
    lines = read_before(path, EVERYTHING).lines
    assert lines[0].text == "\ufffd\ufffd\\x00 ERROR: \\x1b[31m"
    assert lines[3].text == "\\u202eabc"
    assert len(lines[4].text) < 3000


def test_huge_logs_are_read_by_range(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("wb") as file:
        file.write(b"2026 INFO: first\n")
        file.truncate(5_000_000_000)  # a hole of zeros, as one line
        file.seek(0, 2)
        file.write(b"\n2026 ERROR: last\n")
    part = read_before(path, Wish("ERROR"))
    assert [line.text for line in part.lines][-1:] == ["2026 ERROR: last"]
    assert len(read_after(path, EVERYTHING, 2_000_000_000, complete=True).lines) == 1
    assert line_start(path, 4_000_000_000) > 3_000_000_000


def test_levels_are_those_of_the_head_of_a_line(tmp_path: Path) -> None:
    path = write(
        tmp_path / "log",
        "2026-11-25 10:00:00 [x] INFO: Dumping stats:",
        " 'log_count/ERROR': 7,",
        "2026-11-25 10:00:00 [x] ERROR: broken",
        "Traceback (most recent call last):",
    )
    assert [line.level for line in read_before(path, EVERYTHING).lines] == ["INFO", "INFO", "ERROR", "ERROR"]
    assert len(read_before(path, Wish("ERROR")).lines) == 2
    assert len(read_before(path, Wish("", "traceBACK")).lines) == 1


def test_items_of_every_shape(tmp_path: Path) -> None:
    path = write(
        tmp_path / "i.jl",
        '{"a": 1, "b": ""}',
        "[1]",
        "not json",
        '{"a": null, "c": {"d": [1]}}',
        b'{"half": ',
    )
    table = read_items(path)
    assert table["columns"] == ["a", "b", "c"]
    assert table["first"] == [["1", "", ""], ["", "", '{"d": [1]}']]
    assert (table["sampled"], table["broken"]) == (2, 3)
    assert {field["name"]: field["filled"] for field in table["fields"]} == {"a": 1, "b": 0, "c": 1}
    assert json.loads(b"".join(converted(path, "json"))) == [{"a": 1, "b": ""}, {"a": None, "c": {"d": [1]}}]
    assert b"".join(converted(path, "csv")).decode().splitlines() == ["a,b,c", "1,,", ',,"{""d"": [1]}"']
    assert read_items(write(tmp_path / "empty.jl"))["first"] == []
    assert json.loads(b"".join(converted(tmp_path / "empty.jl", "json"))) == []
    deep = write(tmp_path / "deep.jl", "[" * 100_000, '{"a": ' * 50_000)
    assert read_items(deep)["sampled"] == 0


def test_a_download_is_compressed_where_the_client_takes_it(node: ScrapydServer) -> None:
    url = f"{node.url.rstrip('/')}{of('evil', 'log')}/download"
    plain = requests.get(url, headers={"Accept-Encoding": "identity, gzip;q=0"}, timeout=30)
    packed = requests.get(url, headers={"Accept-Encoding": "br, GZIP;q=0.5"}, timeout=30)
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.content == plain.content == (node.folder / "logs/shop/hostile/evil.log").read_bytes()
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"


def test_the_form_of_a_run_is_filled_in_like_a_job(
    node: ScrapydServer, visitor: Callable[..., Visitor]
) -> None:
    form = requests.get(f"{node.url}run.json?project=shop&like=good", timeout=30).json()
    args = {row["name"]: row["value"] for row in form["args"] if row["name"]}
    assert (form["spider"], form["version"], args["pages"], args["note"]) == ("quick", "1_0", "12", MARKUP)
    assert args["api_key"] == ""  # a secret goes to nobody's browser
    assert requests.get(f"{node.url}run.json?project=shop&like=none", timeout=30).status_code == 404
    someone = visitor(script=False)
    page = someone.open(of("good", "overview"))
    page.get_by_role("link", name="Change and run").click()
    page.locator("input[name=arg_value]").first.fill("2")
    before = {job["id"] for job in node.api("listjobs", project="shop")["finished"]}
    page.get_by_role("button", name="Run", exact=True).click()
    new = page.url.partition("/job/shop/")[2].partition("/")[0]
    assert new not in before
    assert node.wait_job(new)["state"] in {"finished", "failed"}


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3+cmd|x", "'-2+3+cmd|x"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("-12.50", "-12.50"),
        ("+491234567", "+491234567"),
        ("-1e9", "-1e9"),
        (-5, "-5"),
        ("a=1", "a=1"),
        ("", ""),
        (None, ""),
        (["=1"], '["=1"]'),
        ({"=": "="}, '{"=": "="}'),
    ],
)
def test_a_cell_of_csv_is_not_a_formula(value: object, cell: str, tmp_path: Path) -> None:
    path = tmp_path / "items.jl"
    path.write_text(json.dumps({"a": "x", "=b": value}) + "\n")
    text = b"".join(converted(path, "csv")).decode()
    assert list(csv.reader(io.StringIO(text, newline=""))) == [["a", "'=b"], ["x", cell]]


def test_both_ends_of_many_items(tmp_path: Path) -> None:
    path = write(tmp_path / "i.jl", *(json.dumps({"n": n, "x": "y" * 1000}) for n in range(6000)))
    table = read_items(path)
    assert [row[0] for row in table["first"]] == [str(n) for n in range(ROWS)]
    assert [row[0] for row in table["last"]] == [str(n) for n in range(6000 - ROWS, 6000)]
    assert not table["whole"]


def test_a_conversion_gives_its_thread_back(tmp_path: Path) -> None:
    path = write(tmp_path / "i.jl", *(json.dumps({"n": n, "x": "y" * 1000}) for n in range(6000)))
    pieces = list(converted(path, "csv"))
    assert len(pieces) > 20
    rows = list(csv.reader(io.StringIO(b"".join(pieces).decode())))
    assert len(rows) == 6001
    assert len(json.loads(b"".join(converted(path, "json")))) == 6000
    broken = write(tmp_path / "broken.jl", *(["no item" * 100] * 6000))
    assert b"".join(converted(broken, "json")) == b"[\n]\n"
    assert len(list(converted(broken, "json"))) > 5


def test_an_endless_item_is_an_error_not_a_full_memory(tmp_path: Path) -> None:
    path = tmp_path / "i.jl"
    with path.open("wb") as file:
        file.truncate(3_000_000_000)
    assert read_items(path)["first"] == []
    with pytest.raises(ItemError, match="download the file as jl"):
        list(converted(path, "json"))
