"""The page in a real browser, where there is one: Debian's chromium, which Playwright drives.

asv's own page takes its scripts from the network; Debian's packages of the same libraries are in
their place.
"""

import functools
import http.server
import re
import shutil
import threading
from pathlib import Path

import pytest
from toy_benchmarks import ROWS, summary

pytestmark = pytest.mark.slow  # 30 s of CPU: a browser is started, and pages of asv are built
SCRIPTS = Path("/usr/share/javascript")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
OPTIONS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]


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
