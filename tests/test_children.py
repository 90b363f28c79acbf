"""What tests/children.py promises of child processes, and that all tests start theirs by it."""

import ast
import os
import re
import signal
import sys
import time

import children
import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="process groups of POSIX")

# Prints the process of a child of its own, which holds its pipes open, and waits.
FAMILY = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
print(child.pid, flush=True)
"""
WAIT = "time.sleep(1000)"
WAIT_FOR_EVER = f"import time; {WAIT}"


def has_ended(process):
    """Tell whether there is no such process, or only what is left of one that nobody waits for."""
    for _ in range(100):
        try:
            with open(f"/proc/{process}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] in "ZX":
                    return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.05)
    return False


def test_what_a_child_printed_and_its_exit_code():
    done = children.run([sys.executable, "-c", "print('é'); exit(3)"])
    assert (done.returncode, done.stdout, done.stderr) == (3, "é\n", "")
    assert children.run([sys.executable, "-c", "print(1)"], text=False).stdout == b"1\n"


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no /proc here")
def test_a_child_is_killed_at_its_limit_with_what_it_started(capsys):
    before = time.perf_counter()
    with pytest.raises(pytest.fail.Exception, match=r"^a child was killed after 3 s: "):
        children.run([sys.executable, "-c", FAMILY + WAIT], 3)
    assert time.perf_counter() - before < 60
    assert has_ended(int(capsys.readouterr().out))


@pytest.mark.timeout(4)
def test_a_child_ends_before_its_test_does():
    with pytest.raises(pytest.fail.Exception, match=r"^a child was killed after [34] s: "):
        children.run([sys.executable, "-c", WAIT_FOR_EVER])


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no /proc here")
@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=["alone", "in a worker"])
def test_a_run_that_is_told_to_end_kills_its_children(tmp_path, root, workers):
    test = f"""
import sys
import children
def test_waits():
    with children.started([sys.executable, "-c", {WAIT_FOR_EVER!r}]) as process:
        open("pid", "w").write(str(process.pid))
        process.wait()
"""
    (tmp_path / "conftest.py").write_text((root / "tests" / "conftest.py").read_text())
    (tmp_path / "test_waits.py").write_text(test)
    (tmp_path / "pytest.ini").write_text("[pytest]\ntimeout = 600\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *workers]
    file = tmp_path / "pid"
    with children.started(command, cwd=tmp_path) as process:
        while process.poll() is None and not (file.exists() and file.read_text()):
            time.sleep(0.05)
        process.terminate()
        out, _ = process.communicate()
    assert has_ended(int(file.read_text())), out


def test_a_test_that_hangs_ends_the_run_and_says_where(tmp_path, root):
    (tmp_path / "conftest.py").write_text((root / "tests" / "conftest.py").read_text())
    (tmp_path / "pytest.ini").write_text("[pytest]\ntimeout = 1\ntimeout_method = thread\n")
    hangs = "import time\ndef test_ends(): pass\ndef test_hangs(): time.sleep(30)\n"
    (tmp_path / "test_hangs.py").write_text(hangs)
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = children.run(words, cwd=tmp_path)
    assert done.returncode == 1 and "passed" not in done.stdout, done.stdout + done.stderr
    assert "+ Timeout +" in done.stdout and "in test_hangs" in done.stdout


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no /proc here")
def test_a_child_is_killed_where_a_test_fails(capsys):
    with (
        pytest.raises(ZeroDivisionError),
        children.started([sys.executable, "-c", FAMILY + WAIT]) as process,
    ):
        grandchild = int(process.stdout.readline())
        1 / 0  # noqa: B018
    assert process.returncode == -signal.SIGKILL and has_ended(grandchild)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no /proc here")
def test_what_a_child_leaves_behind_is_killed():
    with children.started([sys.executable, "-c", FAMILY]) as process:
        grandchild = int(process.stdout.readline())
        assert process.wait() == 0
    assert has_ended(grandchild)


def test_a_child_hears_ctrl_c():
    code = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    assert children.run([sys.executable, "-c", code]).stdout == "True\n"


def test_no_test_starts_a_process_by_another_way(root):
    starts = {"subprocess.run", "subprocess.Popen", "subprocess.call", "subprocess.check_output"}
    starts |= {"subprocess.check_call", "os.fork", "os.system", "os.popen", "os.spawnv"}
    found = []
    commands = {"children.py", "mutants.py"}  # the way, and what no test runs
    for path in sorted((root / "tests").rglob("*.py")):
        if path.name in commands:
            continue
        text = path.read_text("utf-8")
        if not re.search(r"subprocess|\bos\b", text):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                name = f"{node.value.id}.{node.attr}"
                if name in starts:
                    found.append((path.name, name))
    assert not found
