"""Memory that a script frees stays with its process, so that the next step finds it."""

import page_faults

pytestmark = page_faults.of_glibc
ARRAYS = "[np.ones(12_000) for _ in range(100)] + [np.ones(200_000) for _ in range(5)]"


def faults(script, tmp_path, text, **options):
    folder = tmp_path / "folder"
    folder.mkdir(exist_ok=True)
    (folder / "parts.py").write_text(text)
    done = script(page_faults.steps_of(ARRAYS, "import parts"), **options)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_steps_find_the_memory_of_the_step_before(script, tmp_path, monkeypatch):
    """17.6 MB, or 4,297 pages, of which the system gives each anew where the heap gave it back."""
    for name in page_faults.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    relu = "def relu(x):\n    return x * (x > 0)\n"
    assert faults(script, tmp_path, relu, python=["-X", "utf8"]) > 1000
    assert faults(script, tmp_path, relu) < 10
    assert faults(script, tmp_path, "") > 1000  # a script of something else is left as it is
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "100000")
    assert faults(script, tmp_path, relu) > 1000  # and one whose user has said it
