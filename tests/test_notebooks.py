"""The notebooks of docs/notebooks: stored without outputs, and each runs to its end."""

import json
import sys

import children
import pytest

NAMES = ["digits.ipynb", "gradient_descent.ipynb"]
RUN = """
import sys

import nbformat
from nbclient import NotebookClient

for path in sys.argv[1:]:
    book = nbformat.read(path, as_version=4)
    NotebookClient(book, timeout=400, kernel_name="python3").execute()
    outputs = [output for cell in book.cells for output in cell.get("outputs", [])]
    print(path, sum("image/png" in output.get("data", {}) for output in outputs), "pictures")
"""


def test_notebooks_are_stored_without_outputs(root):
    found = {path.name: path for path in (root / "docs" / "notebooks").glob("*.ipynb")}
    assert sorted(found) == NAMES
    for name, path in found.items():
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        assert len(code) > 4 and not any(cell["outputs"] for cell in code), name
        assert not any(cell["execution_count"] for cell in code), name


def test_notebooks_run(root, tmp_path):
    """In a kernel of Jupyter; a cell that raises ends it with an error."""
    for module in ("nbclient", "ipykernel", "matplotlib"):
        pytest.importorskip(module, reason=f"{module} is not installed")
    script = tmp_path / "run.py"
    script.write_text(RUN)
    paths = [str(root / "docs" / "notebooks" / name) for name in NAMES]
    done = children.run([sys.executable, "-W", "ignore", str(script), *paths], cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert [line.split()[1:] for line in done.stdout.splitlines()] == [["4", "pictures"]] * 2
