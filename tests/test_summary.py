"""The page that says how fast every benchmark is, of a small project that asv has measured.

In a real browser where there is one: Debian's chromium, which Playwright drives. asv's own page
takes its scripts from the network; here Debian's packages of the same libraries are in their place.
"""

import functools
import http.server
import importlib
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
    "environment_type": "virtualenv", "launch_method": "forkserver", "benchmark_dir": "benchmarks",
    "results_dir": "results", "html_dir": "html"
}"""
BENCHMARKS = """
import os
import time

DAY = int(os.environ["TOY_DAY"])
DEEP = "100x4/100 & more"


class Affine:
    number = repeat = rounds = 1
    warmup_time = 0
    param_names = ["implementation", "dtype", "shape"]
    params = [["numpy", "fastnet"], ["float32"], ["1-3-4", DEEP]]

    def time_affine_forward(self, implementation, dtype, shape):
        time.sleep(0.02 if implementation == "numpy" else 0.002)


class AffineRatio:
    unit = "fastnet / numpy"
    param_names = ["dtype", "shape"]
    params = [["float32", "float64"], ["1-3-4", DEEP]]

    def track_min_ratio_affine_forward(self, dtype, shape):
        if dtype == "float32":
            return {"1-3-4": 0.1, DEEP: 1 / 1.3}[shape]
        return {"1-3-4": 0.625, DEEP: 0.5}[shape] * (2 if DAY == 3 else 1)


class LossesRatio:
    unit = "fastnet / numpy"
    param_names = ["dtype", "loss"]
    params = [["float32"], ["huber", "mean squared"]]

    def track_min_ratio_forward(self, dtype, loss):
        return {"huber": 1.25, "mean squared": 0.4}[loss]


class SoftmaxWithLossRatio:
    unit = "fastnet / numpy"

    def track_min_ratio_softmax_forward(self):
        return 0.8

    def track_min_ratio_softmax_backward(self):
        assert DAY < 3, "broken today"
        return 0.5

    def track_other(self):
        return 1.0


class NeverRatio:
    unit = "fastnet / numpy"

    def setup(self):
        raise NotImplementedError("for another machine")

    def track_min_ratio_never(self):
        return 1.0


class Limits:
    unit = "of the limit"
    param_names = ["kernel", "dtype"]
    params = [["affine_forward", "copy", "huber_forward", "softmax_forward"], ["float32"]]

    def setup(self, kernel, dtype):
        if kernel == "copy" and DAY == 2:
            raise NotImplementedError("skipped")

    def track_share_of_limit(self, kernel, dtype):
        return {"affine_forward": 0.85, "copy": 0.6 - 0.3 * (DAY == 1)}.get(kernel, 0.3)
"""
# What the page then says: name and parameters, time, times NumPy, of the limit, trend.
ROWS = [
    ("toy.affine_forward Affine float32 1-3-4", "2 ms", "10.0×", "85%", "0%"),
    ("toy.copy Limits float32", "–", "–", "60%", "+100%"),
    ("toy.huber_forward Losses float32", "–", "▼ 0.80×", "30%", "0%"),
    ("toy.mean_squared_forward Losses float32", "–", "2.50×", "–", "0%"),
    ("toy.softmax_backward SoftmaxWithLoss", "–", "no result", "–", ""),
    ("toy.softmax_forward SoftmaxWithLoss", "–", "1.25×", "30%", "0%"),
]
ROOT = Path(__file__).resolve().parents[1]
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
    (project / "kernels").mkdir()
    for day in (1, 2, 3):
        date = f"2024-01-0{day}T00:00:00Z"
        if day == 3:  # two commits since the second: one of a kernel, one of no matter
            (project / "kernels" / "affine_forward.py").write_text("rows in pairs")
            run("git", "add", "../kernels")
            run("git", "commit", "--quiet", "-m", "Rows in <pairs>", GIT_AUTHOR_DATE=date)
        (project / "README").write_text(f"day {day}")
        run("git", "add", "../README")
        run("git", "commit", "--quiet", "-m", f"Words of day {day}", GIT_AUTHOR_DATE=date)
        commit = run("git", "rev-parse", "HEAD").strip()
        measure = [*asv, "run", "--python=same", "--set-commit-hash", commit, "--machine"]
        for machine in ("small", "big") if day == 2 else ("big",):
            # 2: a benchmark failed, as one of the third day does.
            run(*measure, machine, codes=(2 if day == 3 else 0,), TOY_DAY=str(day))
    return folder


def summary(folder, *arguments):
    """Write the page as `python -m asv_benchmarks.summary` does, and return its file."""
    command = [sys.executable, "-m", "asv_benchmarks.summary"]
    command += ["--config", str(folder / "asv.conf.json"), *arguments]
    done = children.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stdout + done.stderr
    file = Path(done.stdout.splitlines()[-1])
    assert file == folder / "html" / "summary.html"
    return file


def told(file):
    """List the rows of a page as text, without what lies below a name."""
    lines = re.findall(r'<tr role="row" data-.*?</tr>', file.read_text("utf-8"), re.DOTALL)
    below = r"<p.*</p>|<details>.*</details>|<title>.*?</title>"
    cells = [re.findall(r"<t[hd].*?>(.*?)</t[hd]>", re.sub(below, "", line)) for line in lines]
    plain = [[unescape(re.sub(r"<[^>]*>", "", cell)).strip() for cell in row] for row in cells]
    return [(row[0], re.sub(r"[0-9.]+ ms", "2 ms", row[1]), *row[2:]) for row in plain]


def below(file, name):
    """Return what lies below the name of a row, as text: its jumps, and its sets of parameters."""
    text = file.read_text("utf-8").replace("<wbr>", "")
    (line,) = [line for line in text.splitlines() if f"<b>{name}</b>" in line]
    found = re.findall(r'<p class="jump">(.*?)</p>', line), re.findall(r"<li>(.*?)</li>", line)
    return [[unescape(re.sub(r"<[^>]*>", "", part)) for part in parts] for parts in found]


def test_the_page_says_what_was_measured_last(project):
    file = summary(project)
    assert told(file) == ROWS
    text = file.read_text("utf-8")
    assert re.search(r"Commit \w{8} of 2024-01-03 on big \(big &amp; fast\)", text)
    mean = (10 * 0.8 * 2.5 * 1.25) ** 0.25
    assert f"toy is {mean:.2f}× as fast" in text and "mean of 4 benchmarks; in 1 it" in text
    assert "3 commits: first 10.0×, last 10.0×, least 10.0×, most 10.0×" in text
    assert '<a href="summary.html">Summary</a>' in (file.parent / "index.html").read_text()
    assert "<b>toy</b> 6 benchmarks, " in text
    assert "untimed" in text and 'role="table">' in text  # the column is there


def test_all_parameters_of_a_benchmark_lie_below_its_row(project):
    _, lines = below(summary(project), "affine_forward")
    assert [re.sub(r"[0-9.]+ ms", "2 ms", line) for line in lines] == [
        "float32 1-3-4: 2 ms, 10.0× NumPy, 85% of the limit",
        "float32 100x4/100 & more: 2 ms, 1.30× NumPy",
        "float64 1-3-4: ▼ 0.80× NumPy",
        "float64 100x4/100 & more: 1.00× NumPy",
    ]
    assert "4 sets of parameters, 1 slower than NumPy" in summary(project).read_text("utf-8")


def test_a_jump_names_its_commit_and_the_cause(project):
    def git(*words):
        done = children.run(["git", "-C", str(project), *words])
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    pairs, words, first = (
        git("log", "-1", "--format=%h", "--abbrev=8", f"--grep={text}")[0]
        for text in ("pairs", "day 3", "day 2")
    )
    file = summary(project)
    # Of two commits since the measurement before, the one that touches kernels/affine_forward.py.
    assert below(file, "affine_forward")[0] == [
        f"▼ −50% (2 sets of parameters): {pairs} Rows in <pairs> "
        f"(likely of 2 commits since {first})"
    ]
    (said,) = below(file, "copy")[0]
    assert said.startswith(
        f"▲ +100%: {words} Words of day 3; {pairs} Rows in <pairs>; {first} Words"
    )
    assert below(file, "softmax_forward")[0] == []
    # A note is more than the subject, where it names the benchmark.
    me = ["-c", "user.name=toy", "-c", "user.email=toy@example.org"]
    git(*me, "notes", "add", "-m", "copy: 64 bytes\nand more", first)
    try:
        (said,) = below(summary(project), "copy")[0]
        assert said.startswith(f"▲ +100%: {first} copy: 64 bytes (likely of 3 commits since ")
    finally:
        git(*me, "notes", "remove", first)


@pytest.fixture
def module(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    yield importlib.import_module("asv_benchmarks.summary")
    for name in [name for name in sys.modules if name.startswith("asv_benchmarks")]:
        monkeypatch.delitem(sys.modules, name)


def test_one_bad_measurement_is_no_jump(module):
    index = {"revision_to_hash": {str(i): f"{i}" * 40 for i in range(9)}}

    def jumps(*values):
        found = module.jumps_of(dict(enumerate(values)), index)
        return [(old[0], new[0], round(change, 3)) for old, new, _, change in found]

    assert jumps(1, 1, 1, 2, 1, 1, 1) == [] == jumps(1, 1, 1, 1.2, 1.2, 1.2)
    assert jumps(1, 1.1, 1, 2, 2, 2) == [("2", "3", 1.0)]
    assert jumps(1, 1, 1, 0.5) == [("2", "3", -0.5)]  # nobody knows yet whether it lasts
    assert jumps(2, 2, 1, 1, 1, 2, 2) == [("1", "2", -0.5), ("4", "5", 1.0)]


@pytest.mark.parametrize(
    ("noted", "files", "by_the_machine"),
    [
        (False, ("docs/index.md",), True),
        (False, ("docs/index.md", "kernels/gemm.py"), False),
        (True, ("docs/index.md",), False),
    ],
)
def test_nothing_that_is_measured_changed(module, noted, files, by_the_machine):
    old, new, history = "b" * 40, "a" * 40, module.History(ROOT)
    commit = sys.modules["asv_benchmarks.causes"].Commit(new, "Docs", noted, files)
    history.known[old, new] = [commit]
    text = module.cause_html(module.cause(history, old, new, {"gemm"}), old, new, 8)
    assert text.startswith("<code>aaaaaaaa</code> Docs")
    assert ("it is the machine" in text) == by_the_machine


def test_which_of_several_commits_are_named(module):
    """Those whose note says the benchmark, else those that touch or say it, else all."""
    made, old, new = sys.modules["asv_benchmarks.causes"].Commit, "b" * 40, "a" * 40
    history = module.History(ROOT)
    other, touches = made("1", "Docs", False, ("docs/x.md",)), made("2", "x", False, ("k/gemm.py",))
    says, noted = made("3", "gemm: by rows", False, ()), made("4", "gemm: the CPU", True, ("R.md",))
    elsewhere = made("5", "softmax: of another", True, ("k/lstm.py",))

    def named(*commits):
        history.known[old, new] = list(commits)
        return [name for name, _ in module.cause(history, old, new, {"gemm"})[0]]

    assert named(other, touches, says, noted, elsewhere) == ["4"]
    assert named(other, touches, says, elsewhere) == ["2", "3"]
    assert named(other, elsewhere) == ["1", "5"]


def test_a_commit_that_the_clone_does_not_have(module):
    old, new = "b" * 40, "a" * 40
    found = module.cause(module.History(ROOT), old, new, {"gemm"})
    text = module.cause_html(found, old, new, 8)
    assert text == "<code>aaaaaaaa</code>, which this clone does not have"


def test_figures_are_spelled(module):
    times = [2.5, 0.0021, 3.4567e-6, 120e-9]
    assert [module.spelled("time_", t) for t in times] == ["2.5 s", "2.1 ms", "3.46 µs", "120 ns"]
    assert module.subject_of("forward", ["repeat rows"]) == "repeat_rows_forward"
    assert module.subject_of("forward", ["MatMul"]) == "MatMul.forward"
    sets = ["float64 100-784-50", "float32 1-3-4", "float32 100-784-50"]
    assert module.usual(sets) == sets[2]


def test_another_machine_has_a_page_of_its_own(project):
    file = summary(project, "--machine", "small")
    assert "of 2024-01-02 on small" in file.read_text("utf-8")
    assert told(file)[0] == (*ROWS[0][:4], "–")
    assert "▼" not in "".join(below(file, "affine_forward")[1])
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


HEADERS = ["Benchmark", "Time", "Times NumPy", "Of the limit", "Trend"]


def test_what_a_screen_reader_finds(page):
    assert page.locator("html").get_attribute("lang") == "en"
    page.get_by_role("main").get_by_role("heading", level=1, name="toy beside NumPy").wait_for()
    table = page.get_by_role("table", name="A row shows one set of parameters")  # its caption
    assert table.locator("caption").is_visible()
    for header in HEADERS:
        head = table.get_by_role("columnheader", name=header, exact=True)
        assert head.get_by_role("button", name=header, exact=True).count() == 1
    assert table.get_by_role("rowheader").count() == 1 + len(ROWS)  # the word's, too
    row = table.get_by_role("row", name="affine_forward")
    assert row.get_by_role("img", name="3 commits: first 10.0×, last 10.0×").count() == 1
    assert row.get_by_role("link", name="Of the limit: 85%").count() == 1
    row = table.get_by_role("row", name="huber_forward")
    assert row.locator("abbr").first.get_attribute("title") == "slower than NumPy"
    assert page.get_by_role("searchbox", name="Search").count() == 1
    assert page.get_by_role("combobox", name="Show").count() == 1


def test_each_header_sorts_and_sorts_back(page):
    numbers = {
        "Times NumPy": (3, ["▼ 0.80×", "1.25×", "2.50×", "10.0×"]),
        "Of the limit": (4, ["30%", "30%", "60%", "85%"]),
        "Trend": (5, ["0%", "0%", "0%", "0%", "+100%"]),
    }
    for header, (number, expected) in numbers.items():
        for direction, order in (("ascending", expected), ("descending", expected[::-1])):
            page.get_by_role("button", name=header).click()
            found = column(page, number)
            assert found[: len(order)] == order
            assert set(found[len(order) :]) <= {"", "–", "no result"}  # always last
            assert page.locator("[aria-sort]").all_inner_texts() == [header]
            assert page.locator("[aria-sort]").get_attribute("aria-sort") == direction
            assert page.locator(".group:visible").count() == 0  # all words in one order
            assert page.locator(".word:visible").count() == len(ROWS)
    names = [row[0].partition(".")[2].partition(" ")[0] for row in ROWS]
    for order in (names, names[::-1]):
        page.get_by_role("button", name="Benchmark").click()
        assert page.locator("tbody b:visible").all_inner_texts() == ["toy", *order]
        assert page.locator(".word:visible").count() == 0


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_the_keyboard_sorts(page, key):
    for _ in ("All graphs", "Search", "Show", "Benchmark", "Time", "Times NumPy"):
        page.keyboard.press("Tab")
    focused = page.locator(":focus")
    assert focused.inner_text() == "Times NumPy"
    assert focused.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    page.keyboard.press(key)
    assert page.locator("[aria-sort=ascending]").inner_text() == "Times NumPy"
    assert column(page, 3)[0] == "▼ 0.80×"


def test_words_and_kinds_are_searched(page):
    def shown():
        return page.locator("tbody tr:not(.group):visible b").all_inner_texts()

    assert page.locator("output").inner_text() == "6 benchmarks"
    box = page.get_by_role("searchbox")
    box.fill("FORWARD softmax")
    assert shown() == ["softmax_forward"]
    assert page.locator("output").inner_text() == "1 of 6 benchmarks"
    box.fill("in <pairs>")  # the cause of a jump, too
    assert shown() == ["affine_forward", "copy"]
    box.fill("nowhere")
    assert shown() == [] and page.locator(".group:visible").count() == 0
    box.fill("")
    page.get_by_role("combobox").select_option("slower than NumPy")
    assert shown() == ["affine_forward", "huber_forward"]  # the first with one set of parameters
    page.get_by_role("combobox").select_option("with a jump")
    assert shown() == ["affine_forward", "copy"]
    page.get_by_role("button", name="Times NumPy").click()
    assert shown() == ["affine_forward", "copy"]
    page.get_by_role("combobox").select_option("everything")
    assert len(shown()) == 6


def test_without_scripts_all_rows_are_there(browser, site):
    page = browser.new_page(java_script_enabled=False)
    page.goto(f"{site}/summary.html")
    assert page.locator("tbody tr:visible").count() == 7 and not page.locator("form").is_visible()
    page.close()


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
    const texts = "h1, p, p a, p code, li, li a, caption, label, output, summary, thead button, "
        + "tbody b, tbody a, tbody small, tbody td, .group th";
    for (const list of document.querySelectorAll("details")) list.open = true;
    return [...document.querySelectorAll(texts)].map(e => {
        const style = getComputedStyle(e);
        const [low, high] = [numbers(style.color), solid(e)].map(light).sort((a, b) => a - b);
        const spills = e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1;
        return [e.textContent, parseFloat(style.fontSize), (high + 0.05) / (low + 0.05), spills];
    });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_can_be_read(page, width, scheme, tmp_path):
    image = pytest.importorskip("matplotlib.image", reason="needs the extra plot")
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 844})
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 18, 18)"}[scheme]
    assert page.evaluate("document.documentElement.scrollWidth") == width
    looks = page.evaluate(LOOKS)
    assert len(looks) > 60
    for text, font, contrast, spills in looks:
        assert font >= 14 and contrast >= 4.5 and not spills, text
    for button in page.locator("thead button").all():
        assert button.bounding_box()["height"] >= 44  # a finger's
    page.screenshot(path=tmp_path / "page.png", full_page=True)
    pixels = (image.imread(tmp_path / "page.png")[:, :, :3] * 255).round().astype(int)
    assert pixels.shape[1] == width
    for shade in ("best", "good", "fair", "slower"):
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
        page.get_by_text("4 sets of parameters").click()
        page.get_by_role("link", name="1.30× NumPy").click()
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
