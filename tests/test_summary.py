"""The page that says how fast every benchmark is, of a small project that asv has measured.

In a real browser where there is one: Debian's chromium, which Playwright drives. asv's own page
takes its scripts from the network; here Debian's packages of the same libraries are in their place.
"""

import functools
import http.server
import json
import os
import re
import shutil
import sys
import threading
from html import unescape
from pathlib import Path

import children
import pytest

pytest.importorskip("asv", reason="needs the extra bench")

CONFIG = """{
    "version": 1, "project": "toy", "repo": "..", "branches": ["main"],
    "environment_type": "virtualenv", "benchmark_dir": "benchmarks",
    "results_dir": "results", "html_dir": "html"
}"""
BENCHMARKS = """
import os

DAY = int(os.environ["TOY_DAY"])
DEEP = "100x4/100 & more"


class AffineRatio:
    unit = "fastnet / numpy"
    param_names = ["dtype", "shape"]
    params = [["float32", "float64"], ["1-3-4", DEEP]]

    def track_min_ratio_affine_forward(self, dtype, shape):
        if dtype == "float32":
            return {"1-3-4": 0.1, DEEP: 1 / 1.3}[shape]
        return {"1-3-4": 0.625, DEEP: 0.5}[shape] * (2 if DAY == 3 else 1)


class SoftmaxWithLossRatio:
    unit = "fastnet / numpy"

    def track_min_ratio_softmax_cross_entropy_forward(self):
        return 0.8

    def track_min_ratio_softmax_cross_entropy_backward(self):
        assert DAY < 3, "broken today"
        return 0.5

    def track_other(self):
        return 1.0


class Limits:
    unit = "of the limit"
    param_names = ["kernel", "dtype", "shape"]
    params = [["affine_forward", "copy", "softmax_cross_entropy_forward"], ["float32"], ["1-3-4"]]

    def setup(self, kernel, dtype, shape):
        if kernel == "copy" and DAY == 2:
            raise NotImplementedError("skipped")

    def track_share_of_peak(self, kernel, dtype, shape):
        return {"affine_forward": 0.85, "copy": 0.6}.get(kernel, 0.3)
"""
# What the page then says: name and parameters, times NumPy, of the limit, change.
ROWS = [
    ("toy.Affine.affine_forward float32 1-3-4", "10.0×", "85%", "0%"),
    ("toy.Affine.affine_forward float32 100x4/100 & more", "1.30×", "", "0%"),
    ("toy.Affine.affine_forward float64 1-3-4", "▼ 0.80×", "", "▼ −50%"),
    ("toy.Affine.affine_forward float64 100x4/100 & more", "1.00×", "", "▼ −50%"),
    ("toy.Limits.copy float32 1-3-4", "", "60%", "0%"),
    ("toy.SoftmaxWithLoss.softmax_cross_entropy_backward", "no result", "", ""),
    ("toy.SoftmaxWithLoss.softmax_cross_entropy_forward", "1.25×", "", "0%"),
    ("toy.SoftmaxWithLoss.softmax_cross_entropy_forward float32 1-3-4", "", "30%", "0%"),
]
SCRIPTS = Path("/usr/share/javascript")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
OPTIONS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A repository with three commits, and asv's results of them on the machine kind "big"."""
    project = tmp_path_factory.mktemp("toy")
    folder = project / "asv_benchmarks"
    (folder / "benchmarks").mkdir(parents=True)
    (folder / "asv.conf.json").write_text(CONFIG)
    (folder / "benchmarks" / "__init__.py").touch()
    (folder / "benchmarks" / "toy.py").write_text(BENCHMARKS)
    inherited = {**os.environ, "HOME": str(project), "GIT_CONFIG_GLOBAL": os.devnull}
    inherited |= {"GIT_AUTHOR_NAME": "toy", "GIT_AUTHOR_EMAIL": "toy@example.org"}
    inherited |= {"GIT_COMMITTER_NAME": "toy", "GIT_COMMITTER_EMAIL": "toy@example.org"}

    def run(*command, codes=(0,), **environment):
        done = children.run(command, cwd=folder, env=inherited | environment)
        assert done.returncode in codes, done.stdout + done.stderr
        return done.stdout

    run("git", "init", "--quiet", "--initial-branch=main", "..")
    asv = [sys.executable, "-m", "asv"]
    for machine in ("small", "big"):
        run(*asv, "machine", "--machine", machine, "--cpu", f"{machine} & fast")
    for day in (1, 2, 3):
        date = f"2024-01-0{day}T00:00:00Z"
        run("git", "commit", "--quiet", "--allow-empty", "-m", f"{day}", GIT_AUTHOR_DATE=date)
        commit = run("git", "rev-parse", "HEAD").strip()
        measure = [*asv, "run", "--python=same", "--set-commit-hash", commit, "--machine"]
        for machine in ("small", "big") if day == 2 else ("big",):
            # 2: a benchmark failed, as one of the third day does.
            run(*measure, machine, codes=(2 if day == 3 else 0,), TOY_DAY=str(day))
    return folder


def summary(folder, *arguments):
    """Write the page as `python -m asv_benchmarks.summary` does, and return its file."""
    script = Path(__file__).resolve().parents[1] / "asv_benchmarks" / "summary.py"
    command = [sys.executable, script, "--config", folder / "asv.conf.json", *arguments]
    done = children.run(list(map(str, command)))
    assert done.returncode == 0, done.stdout + done.stderr
    file = Path(done.stdout.splitlines()[-1])
    assert file == folder / "html" / "summary.html"
    return file


def told(file):
    """List the rows of a page as text."""
    lines = re.findall(r"<tr>(<th scope=\"row\".*)</tr>", file.read_text("utf-8"))
    cells = [re.findall(r"<t[hd].*?>(.*?)</t[hd]>", line) for line in lines]
    plain = [[re.sub(r"<title>.*?</title>|<[^>]*>", "", cell) for cell in row] for row in cells]
    return [tuple(unescape(cell).strip() for cell in row) for row in plain]


def test_the_page_says_what_was_measured_last(project):
    file = summary(project)
    assert told(file) == ROWS
    text = file.read_text("utf-8")
    assert re.search(r"Commit \w{8} of 2024-01-03 on big \(big &amp; fast\)", text)
    mean = (10 * 1.3 * 0.8 * 1.0 * 1.25) ** 0.2
    assert f"toy is {mean:.2f}× as fast" in text and "mean of 5 benchmarks; in 1 it" in text
    assert "3 commits: first 1.60×, last 0.80×, least 0.80×, most 1.60×" in text
    assert '<a href="summary.html">Summary</a>' in (file.parent / "index.html").read_text()


def test_another_machine_has_a_page_of_its_own(project):
    file = summary(project, "--machine", "small")
    assert "of 2024-01-02 on small" in file.read_text("utf-8")
    assert told(file)[2] == ("toy.Affine.affine_forward float64 1-3-4", "1.60×", "", "")
    with pytest.raises(AssertionError, match="--machine must be one of big, small, got tiny"):
        summary(project, "--machine", "tiny")


def test_the_history_that_is_kept_is_small_and_names_no_host(root):
    folder = root / "asv_benchmarks" / "results" / "zen5-avx512-2cores"
    files = sorted(folder.glob("*-virtualenv-*.json"))
    if not files:
        pytest.skip(f"no results in {folder}")
    results = [json.loads(file.read_text()) for file in files]
    assert len({result["commit_hash"] for result in results}) >= 10
    assert {result["params"]["machine"] for result in results} == {folder.name}
    kept = [folder / "machine.json", folder.parent / "benchmarks.json", *files]
    assert set(folder.iterdir()) <= set(kept)  # none of another environment, named by its path
    assert sum(file.stat().st_size for file in kept) < 1_000_000
    assert folder.name in (root / "asv_benchmarks" / "README.md").read_text()


# --------------------------------------------------------------------------- in a browser


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="needs the extra browser")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs chromium: apt-get install chromium")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(project):
    """The address of the site, served on this machine."""
    folder = summary(project).parent

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def page(browser, site):
    """The summary page, which may say nothing on the console and ask for nothing elsewhere."""
    page = browser.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: request.url.startswith(site) or said.append(request.url))
    page.goto(f"{site}/summary.html")
    yield page
    page.close()
    assert said == []


def column(page, number):
    return [
        text.strip() for text in page.locator(f"tbody tr > :nth-child({number})").all_inner_texts()
    ]


def test_what_a_screen_reader_finds(page):
    assert page.locator("html").get_attribute("lang") == "en"
    page.get_by_role("main").get_by_role("heading", level=1, name="toy beside NumPy").wait_for()
    table = page.get_by_role("table", name="Times NumPy: NumPy's least time")  # its caption
    assert table.locator("caption").is_visible()
    for header in ("Benchmark", "Times NumPy", "Of the limit", "Change"):
        head = table.get_by_role("columnheader", name=header, exact=True)
        assert head.get_by_role("button", name=header, exact=True).count() == 1
    assert table.get_by_role("rowheader").count() == len(ROWS)
    name = ROWS[2][0]
    row = table.get_by_role("row", name=name)
    assert row.get_by_role("rowheader", name=name).get_by_role("link", name=name).count() == 1
    assert row.get_by_role("img", name="3 commits: first 1.60×, last 0.80×").count() == 1
    assert row.locator("abbr").first.get_attribute("title") == "slower than NumPy"
    assert table.get_by_role("link", name="85% of the limit").count() == 1


def test_each_header_sorts_and_sorts_back(page):
    numbers = {
        "Times NumPy": (2, ["▼ 0.80×", "1.00×", "1.25×", "1.30×", "10.0×"]),
        "Of the limit": (3, ["30%", "60%", "85%"]),
        "Change": (4, ["▼ −50%", "▼ −50%", "0%", "0%", "0%", "0%", "0%"]),
    }
    for header, (number, expected) in numbers.items():
        for direction, order in (("ascending", expected), ("descending", expected[::-1])):
            page.get_by_role("button", name=header).click()
            found = column(page, number)
            assert found[: len(order)] == order
            assert set(found[len(order) :]) <= {"", "no result"}  # always last
            assert page.locator("[aria-sort]").all_inner_texts() == [header]
            assert page.locator("[aria-sort]").get_attribute("aria-sort") == direction
    names = [row[0] for row in ROWS]
    page.get_by_role("button", name="Benchmark").click()
    assert [name.replace("\n", " ") for name in column(page, 1)] == names
    page.get_by_role("button", name="Benchmark").click()
    assert [name.replace("\n", " ") for name in column(page, 1)] == names[::-1]


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_the_keyboard_sorts(page, key):
    for _ in ("All graphs", "Benchmark", "Times NumPy"):
        page.keyboard.press("Tab")
    focused = page.locator(":focus")
    assert focused.inner_text() == "Times NumPy"
    assert focused.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    page.keyboard.press(key)
    assert page.locator("[aria-sort=ascending]").inner_text() == "Times NumPy"
    assert column(page, 2)[0] == "▼ 0.80×"


# Of each element with text: what it says, pixels of its font, WCAG's contrast to the first
# background behind it, and whether it is wider than its room.
LOOKS = """() => {
    const numbers = text => text.match(/[0-9.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
        .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const solid = e => {
        const color = numbers(getComputedStyle(e).backgroundColor);
        return color[3] === 0 ? solid(e.parentElement) : color;
    };
    const texts = "h1, p, p a, li, caption, thead button, tbody a, tbody small, tbody td";
    return [...document.querySelectorAll(texts)].map(e => {
        const style = getComputedStyle(e);
        const [low, high] = [numbers(style.color), solid(e)].map(light).sort((a, b) => a - b);
        const spills = e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1;
        return [e.textContent, parseFloat(style.fontSize), (high + 0.05) / (low + 0.05), spills];
    });
}"""


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_can_be_read(page, width, tmp_path):
    image = pytest.importorskip("matplotlib.image", reason="needs the extra plot")
    page.set_viewport_size({"width": width, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == width
    looks = page.evaluate(LOOKS)
    assert len(looks) > 40
    for text, font, contrast, spills in looks:
        assert font >= 14 and contrast >= 4.5 and not spills, text
    for button in page.locator("thead button").all():
        assert button.bounding_box()["height"] >= 44  # a finger's
    page.screenshot(path=tmp_path / "page.png", full_page=True)
    pixels = (image.imread(tmp_path / "page.png")[:, :, :3] * 255).round().astype(int)
    assert pixels.shape[1] == width
    for shade in ("best", "good", "fair", "even", "slower"):
        cell = page.locator(f"td.{shade}").first
        text = cell.evaluate("e => getComputedStyle(e).backgroundColor")
        color = [int(number) for number in re.findall(r"\d+", text)]
        box = cell.bounding_box()
        assert box["x"] + box["width"] <= width
        assert (pixels[int(box["y"]) + 3, int(box["x"]) + 3] == color).all(), shade


# --------------------------------------------------------------------------- asv's own page


def from_debian(route):
    """Answer for a library of asv's page; the graph needs none of the three that are left out."""
    name = route.request.url.rpartition("/")[2].replace("jquery-3.3.1", "jquery")
    found = sorted(SCRIPTS.glob(f"*/**/{name}"))
    left_out = name in ("jquery.flot.orderBars.js", "stupidtable.min.js", "md5.min.js")
    assert found or left_out, name
    headers = {"Access-Control-Allow-Origin": "*"}
    kind = "text/css" if name.endswith(".css") else "text/javascript"
    body = found[0].read_bytes() if found else b""
    route.fulfill(body=body, content_type=kind, headers=headers)


def without_hashes(route):
    """asv's page states the hashes of its libraries: Debian's are of other versions."""
    answer = route.fetch()
    body, count = re.subn(r' integrity="[^"]*"', "", answer.text())
    assert count > 5
    route.fulfill(response=answer, body=body)


def test_a_link_opens_its_graph(browser, site):
    if not (SCRIPTS / "jquery-flot").is_dir() or not (SCRIPTS / "bootstrap").is_dir():
        pytest.skip(
            "needs jQuery, flot and Bootstrap: apt-get install libjs-jquery-flot libjs-bootstrap"
        )
    page = browser.new_page(viewport={"width": 1280, "height": 844})
    page.route(lambda url: not url.startswith(site), from_debian)
    page.route(lambda url: url.startswith(f"{site}/index.html"), without_hashes)
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{site}/summary.html")
    with page.expect_response(lambda answer: "/graphs/" in answer.url) as answer:
        page.get_by_role("link", name=ROWS[1][0]).click()
    assert answer.value.ok and "machine-big" in answer.value.url
    name = "toy.AffineRatio.track_min_ratio_affine_forward"
    assert answer.value.url.partition("?")[0].endswith(f"/{name}.json")
    page.locator("#main-graph canvas").first.wait_for()
    assert page.locator("#title").inner_text() == name
    chosen = page.locator("#graphdisplay-navigation-params .active").all_inner_texts()
    assert chosen == ["commit", "float32", "100x4/100 & more"]
    machines = page.locator("#graphdisplay-state-params .panel", has_text="machine").first
    assert machines.locator(".active").all_inner_texts() == ["big"]
    assert errors == []
    page.close()
