"""The site: its pages' code runs and prints what they say, and the built pages ask no machine."""

import importlib
import inspect
import re
import shutil
import sys
from pathlib import Path

import children
import pages
import pytest

import fastnet
from fastnet.models import Sequential

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
WITH_CODE = [page for page in PAGES if pages.blocks(DOCS / page)]
# Packages whose `__all__` the reference shows, each name with an entry.
SHOWN = "models layers losses optimizer schedules metrics functions gradient initializers penalties"
SHOWN += (
    " datasets checkpoint threads warmup info plot textbook.first textbook.second dropin sklearn"
    " callbacks"
)


@pytest.mark.parametrize("page", WITH_CODE)
def test_code_prints_what_the_page_says(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pages.run(DOCS / page)


def test_an_output_that_differs_is_seen(tmp_path):
    page = tmp_path / "page.md"
    tab = '=== "tab"\n\n    ```text\n    4\n    ```\n'
    page.write_text(f"```python\nx = 3\nprint(x)\n```\n\n{tab}")
    with pytest.raises(AssertionError, match=r"page\.md, line 9: the code above printed\n +3\n"):
        pages.run(page)


def test_every_page_is_in_the_navigation():
    """`mkdocs build --strict` finds that, too, where mkdocs is installed."""
    named = re.findall(r"^ +- (?:.*: )?(\S+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.M)
    of_notebooks = [name for name in named if name.startswith("notebooks/")]
    books = (DOCS / "notebooks").glob("*.ipynb")
    assert of_notebooks == sorted(f"notebooks/{path.stem}.md" for path in books)
    assert sorted(set(named) - {*of_notebooks}) == PAGES


# --------------------------------------------------------------------------- the built site


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built site; one build for all tests of a worker."""
    pytest.importorskip("mkdocs", reason="needs the extra docs")
    for module in ("mkdocstrings", "nbconvert", "ipykernel", "matplotlib"):
        pytest.importorskip(module, reason="needs the extra docs")
    folder = tmp_path_factory.mktemp("site")
    # Not --quiet, which takes the warnings away that --strict counts.
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(folder)]
    done = children.run(words, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    yield folder
    shutil.rmtree(folder)


# What a browser fetches unasked: scripts, styles, fonts, pictures, frames; not a link to follow.
FETCHED = [
    r"<(?:script|img|iframe|source|video|audio|embed)\b[^>]*"
    r"\bsrc\s*=\s*[\"']?((?:https?:)?//[^\"' >]+)",
    r"<link\b[^>]*\brel\s*=\s*[\"']?(?:stylesheet|preload|preconnect|icon)[^>]*"
    r"\bhref\s*=\s*[\"']?((?:https?:)?//[^\"' >]+)",
    r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"')]+)",
]


def fetched(text):
    return [found for pattern in FETCHED for found in re.findall(pattern, text)]


def test_what_a_browser_would_fetch_is_seen():
    for text in (
        '<script defer src="https://a.b/c.js">',
        "<img alt=x src=//a.b/c.png>",
        '<link rel="stylesheet" href="https://a.b/c.css">',
        "@import url('https://a.b/c.css')",
    ):
        assert len(fetched(text)) == 1, text
    assert not fetched('<a href="https://a.b">to follow</a> <script src="../assets/c.js">')


@pytest.mark.slow
def test_the_site_is_whole_and_asks_no_other_machine(site):
    """Strict: every link within it leads somewhere. And each public name has its entry."""
    files = [path for path in site.rglob("*") if path.suffix in (".html", ".css")]
    assert len(files) > len(PAGES)
    for book in (DOCS / "notebooks").glob("*.ipynb"):  # shown with its pictures, and to be taken
        page = (site / "notebooks" / f"{book.stem}.html").read_text(encoding="utf-8")
        assert len(re.findall(rf'<img [^>]*src="{book.stem}/[^"]+\.png"', page)) == 4
        assert f'href="{book.stem}.ipynb"' in page and "compiling kernels" not in page
    found = {path.name: fetched(path.read_text(encoding="utf-8")) for path in files}
    assert {name: urls for name, urls in found.items() if urls} == {}
    html = "".join(path.read_text(encoding="utf-8") for path in (site / "reference").glob("*.html"))
    missing = []
    for name in SHOWN.split():
        module = importlib.import_module(f"fastnet.{name}")
        missing += [
            f"{name}.{public}"
            for public in module.__all__
            if callable(getattr(module, public)) and f'id="fastnet.{name}.{public}"' not in html
        ]
    missing += [
        f"Sequential.{method}"
        for method, found in inspect.getmembers(Sequential)
        if method[0] != "_" and (callable(found) or isinstance(found, property))
        if f'id="fastnet.models.Sequential.{method}"' not in html
    ]
    # Other names of the three, in the entries of these.
    assert set(missing) <= {"metrics.mae", "metrics.mse", "metrics.rmse"}
    assert (site / "search" / "search_index.js").is_file()  # without a server, too


# --------------------------------------------------------------------------- the version


def test_the_version_says_what_it_is():
    """A development version is marked, and what the changelog and the citation say."""
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+|(a|b|rc)\d+)?", fastnet.__version__)
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest, released = re.search(r"^## \[?([^\]\s]+)\]?(?: - (\S+))?$", changelog, re.M).groups()
    assert newest == fastnet.__version__
    assert (released == "unreleased") == (".dev" in newest)
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (\S+)$", citation, re.M)[1] == fastnet.__version__
