"""The scripts in examples/: each says what it prints, and the slow test runs them."""

import ast
import re
import sys

import children
import pytest

WROTE = {
    "convert_dates.py": ["dates.png"],
    "see_digits.py": ["filters.png", "maps.png"],
    "write_text.py": [],
}


def test_every_script_says_what_it_prints(root):
    found = {path.name: path for path in (root / "examples").glob("*.py")}
    assert found.keys() == WROTE.keys()
    for name, path in found.items():
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert f"    python examples/{name}\n" in text and "Expected, in some " in text


@pytest.mark.slow
@pytest.mark.parametrize("name", WROTE)
def test_scripts_print_what_they_say(root, name, tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    path = root / "examples" / name
    done = children.run([sys.executable, str(path)], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(file.name for file in tmp_path.iterdir()) == WROTE[name]
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    wanted = text.partition("Expected")[2].partition("\n\n")[2]
    last = re.sub(r"[\d.]+", "0", wanted.strip().splitlines()[-1].strip())
    said = [re.sub(r"[\d.]+", "0", line.strip()) for line in done.stdout.splitlines()]
    # What a model writes hangs on rounding: of that the last line but the words of it.
    assert last in said or name == "write_text.py"
    numbers = {
        "convert_dates.py": r"epoch 5: ([\d.]+)% right",
        "see_digits.py": r"accuracy ([\d.]+)",
        "write_text.py": r"perplexity ([\d.]+), of the grammar",
    }
    found = float(re.search(numbers[name], done.stdout)[1])
    assert found < 4 if name == "write_text.py" else found > (99 if "dates" in name else 0.97)
