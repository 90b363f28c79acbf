"""The command that explains a kernel's speed: its table of work, its judgement, what it prints."""

import importlib
import itertools
import json
import os
import platform
import re
import shutil
import sys

import children
import numpy as np
import pytest

from fastnet import kernels
from fastnet.kernels._compile import Kernel
from fastnet.kernels.simd import BITS

PUBLIC = [name for name in kernels.__all__ if isinstance(getattr(kernels, name), Kernel)]


@pytest.fixture(scope="module")
def home(root, tmp_path_factory):
    """A folder with asv_benchmarks/ and no fastnet/: the package that is tested is explained."""
    home = tmp_path_factory.mktemp("explain")
    (home / "asv_benchmarks" / "benchmarks").mkdir(parents=True)
    for path in (root / "asv_benchmarks").glob("*.py"):
        shutil.copy(path, home / "asv_benchmarks")
    shutil.copy(root / "asv_benchmarks/benchmarks/__init__.py", home / "asv_benchmarks/benchmarks")
    return home


@pytest.fixture(scope="module")
def explain(home):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(home)
        yield importlib.import_module("asv_benchmarks.explain")


@pytest.fixture(scope="module")
def work(explain):
    return sys.modules["asv_benchmarks.work"]


@pytest.fixture
def unpinned(explain, monkeypatch):
    monkeypatch.setattr(explain, "pin", lambda: None)


def command(home, *arguments, **environment):
    path = os.pathsep.join([str(home), *filter(None, [os.environ.get("PYTHONPATH")])])
    words = [sys.executable, "-m", "asv_benchmarks.explain", "--rounds", "1", *arguments]
    environment = {**os.environ, "PYTHONPATH": path, **environment}
    done = children.run(words, cwd=home, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


# --------------------------------------------------------------------------- the table of work


def test_every_public_kernel_is_in_the_table(work):
    assert sorted(work.KERNELS) == sorted(set(PUBLIC) - work.WITHOUT_WORK)


SIZES = {
    "K": 3,
    "T": 4,
    "S": 2,
    "P": 37,
    "N": 7,
    "C": 5,
    "D": 6,
    "M": 3,
    "V": 11,
    "H": 4,
    "W": 6,
    "A": 3,
    "B": 2,
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", sorted(set(PUBLIC) - {"work_size", "unigram_sampler_forward"}))
def test_arguments_of_the_table_fit_the_kernel(explain, work, name, dtype):
    """And the reference: both leave the same in them."""
    sizes = work.sizes_of(name, [SIZES[letter] for letter in work.KERNELS[name].sizes.split()])
    types = work.types_of(name, dtype)
    arguments = work.arguments_of(name, sizes, types)
    written = explain.check(name, arguments, types)
    assert written or 2 in work.KERNELS[name].moves.values(), "the kernel writes nothing"
    assert work.bytes_of(name, sizes, arguments) >= work.working_set_of(name, sizes, arguments) > 0
    assert work.flops_of(name, sizes, dtype) >= 0


@pytest.mark.parametrize(
    ("name", "shape", "flops", "moved"),
    [
        # a product, a bias and a sigmoid of 27
        ("affine_forward", [100, 784, 50], 2 * 3_920_000 + 5000 * 28, 78400 + 39200 + 50 + 5000),
        ("matmul_backward", [2, 3, 4], 2 * 2 * 24, 6 + 12 + 8 + 6 + 12),
        ("affine_backward_sgd_update", [2, 3, 4], 2 * 24 + 8 + 24 + 8, 6 + 8 + 2 * (12 + 4)),
        ("sgd_update", [5, 7], 2 * 35, 3 * 35),
        ("adam_update", [10], 150, (1 + 2 * 3) * 10),
        ("relu_backward", [10], 10, 30),
        ("step_backward", [10], 0, 10),
        ("softmax_forward", [3, 5], 15 * 26, 30),
        ("cross_entropy_backward", [3, 5], 9, 3 + 2 * 3 + 15),  # a label is as much as two
        ("embedding_forward", [100, 8, 10], 0, 10 * 8 + 2 * 10 + 80),
        ("embedding_forward", [5, 8, 10], 0, 5 * 8 + 2 * 10 + 80),
        ("repeat_backward", [2, 3, 4], 24, 24 + 8),
        ("l2_penalty_backward", [10], 20, 30),
        ("batch_normalization_forward", [4, 3], 96, 12 + 3 + 3 + 4 * 3 + 3 + 3 + 12),
    ],
)
def test_flops_and_bytes_by_hand(work, name, shape, flops, moved):
    sizes, types = work.sizes_of(name, shape), work.types_of(name, "float32")
    assert work.flops_of(name, sizes, "float32") == flops
    assert work.bytes_of(name, sizes, work.arguments_of(name, sizes, types)) == 4 * moved


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "name",
    "exp_forward log_forward sigmoid_forward tanh_forward softplus_forward gelu_forward "
    "gelu_tanh_backward sigmoid_backward sgd_update adamw_update".split(),
)
def test_flops_are_those_of_the_compiled_loop(explain, work, name, dtype):
    if platform.machine().lower() not in ("x86_64", "amd64"):
        pytest.skip("counted in the instructions of x86")
    code = explain.machine_code(getattr(kernels, name), work.types_of(name, dtype))
    if name.startswith("exp") and not code["fma"]:
        pytest.skip("this CPU has no multiply-add")
    assert code["flops_a_lane"] == work.flops_of(name, {"P": 1}, dtype)
    assert code["width"] == BITS


# --------------------------------------------------------------------------- compiled code

X86 = """
	.text
_ZN7fastnet7kernels:
	xorl	%eax, %eax
.LBB0_1:
	vxorps	%xmm0, %xmm0, %xmm0
.LBB0_2:
	vmovups	(%rdi,%rax), %ymm1
	vfmadd231ps	(%rsi){1to16}, %zmm2, %zmm3
	vmulps	%ymm1, %ymm1, %ymm0
	vaddss	%xmm1, %xmm0, %xmm0
	# a comment: vaddps %zmm0
	addq	$64, %rax
	jb	.LBB0_2
	vdivpd	%zmm1, %zmm1, %zmm1
	jne	.LBB0_1
	jmp	.LBB0_9
.LBB0_9:
	retq
_ZN7cpython7fastnet7kernels:
.LBB1_1:
	vaddps	%zmm1, %zmm1, %zmm1
	jne	.LBB1_1
"""
ARM = """
kernel:
	mov	x8, xzr
.LBB0_1:
	ldr	q0, [x0, x8]
	fmla	v1.4s, v0.4s, v2.4s
	fadd	v3.4s, v0.4s, v2.4s
	fadd	s4, s5, s6
	add	x8, x8, #16
	cbnz	x9, .LBB0_1
	b.ne	.LBB0_2
.LBB0_2:
	fmla	z0.s, p0/m, z1.s, z2.s
	subs	x8, x8, #1
	b.ne	.LBB0_2
	ret
"""


def test_instructions_are_counted(explain):
    [loop] = [explain.counted(loop) for _, loop in explain.loops_of(X86)]
    assert loop == {
        "instructions": 6,
        "vector": {"zmm": 1, "ymm": 2},
        "scalar": 3,
        "fma": 1,
        "flops_a_lane": 3,
    }
    neon, sve = [explain.counted(loop) for _, loop in explain.loops_of(ARM)]
    assert (neon["vector"], neon["scalar"], neon["fma"], neon["flops_a_lane"]) == (
        {"v": 3},
        3,
        1,
        3,
    )
    assert (sve["vector"], sve["scalar"], sve["fma"]) == ({"z": 1}, 2, 1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_loop_of_a_product_is_its_tiles(explain, work, dtype):
    """Not one of the rows that skip zeros, nor of an activation, which may have more arithmetic."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        pytest.skip("counted in the instructions of x86")
    code = explain.machine_code(kernels.affine_forward, work.types_of("affine_forward", dtype))
    [(rows, vectors)] = code["tiles"]
    assert code["flops_a_lane"] == 2 * rows * vectors >= 2 * 12
    assert 20 < code["loops"] < 100  # 61 with 256 bits, 68 with 512
    assert "(a tile's, with the most arithmetic of " in explain.described(code)


def test_what_has_no_loop_or_no_vectors_is_said(explain):
    code = explain.machine_code(kernels.work_size, kernels.work_size.versions[0])
    assert code["vector"] == {} and code["instructions"] == code["scalar"] > 5
    assert explain.described(code).startswith("no vector instructions known here, ")
    assert explain.described(None).startswith("cannot be told: ")


# --------------------------------------------------------------------------- judgement

ROW = {
    "seconds": [0.9e-3, 1e-3, 1.1e-3], "call_seconds": 1e-6, "peak_gflops": 100.0,
    "bandwidth_gbytes": 50.0, "place": "L2",
}  # fmt: skip


@pytest.mark.parametrize(
    ("flops", "moved", "call", "limit", "share", "words"),
    [
        (80e6, 1e6, 1e-6, "arithmetic", 0.8, "arithmetic"),
        (1e6, 45e6, 1e-6, "bandwidth", 0.9, "the bandwidth of L2"),
        (0, 45e6, 1e-6, "bandwidth", 0.9, "the bandwidth of L2"),
        (49e6, 1e6, 1e-6, "neither", 0.49, "neither; the nearer one is arithmetic"),
        (1e6, 5e6, 1e-6, "neither", 0.1, "neither; the nearer one is the bandwidth of L2"),
        (80e6, 1e6, 0.6e-3, "call", 0.8, "the call from Python"),
    ],
)
def test_limits(explain, flops, moved, call, limit, share, words):
    row = ROW | {"flops": flops, "bytes": moved, "call_seconds": call}
    row |= explain.judged(row)
    assert (row["limit"], row["share"]) == (limit, pytest.approx(share))
    assert (row["gflops"], row["gbytes"]) == pytest.approx((flops / 1e6, moved / 1e6))
    assert explain.limit_of(row) == words


def test_where_to_look(explain):
    code = {"vector": {"zmm": 3}, "width": BITS}
    said = {
        limit: explain.where_to_look(IDLE | {"limit": limit}, code)
        for limit in ("arithmetic", "bandwidth", "neither", "call")
    }
    assert len(set(said.values())) == 4
    narrow = explain.where_to_look(IDLE | {"limit": "neither"}, code | {"width": BITS // 2})
    assert narrow == f"the vector width: {BITS // 2} bits, where fastnet uses {BITS} here"
    scalar = explain.where_to_look(IDLE | {"limit": "neither"}, {"vector": {}, "width": 0})
    assert scalar == "the loop: it has no vector instructions"
    assert explain.where_to_look(IDLE | {"limit": "neither"}, None) == said["neither"]


IDLE = {"core_share": 0.99, "spread": 1.05}


@pytest.mark.parametrize(
    ("of_machine", "said"),
    [
        ({"core_share": 0.6}, "other processes took 40% of the core"),
        ({"spread": 1.5}, "the medians are 1.50 times the 10th percentiles"),
        (
            {"core_share": 0.5, "spread": 2.0},
            "other processes took 50% of the core; the medians are 2.00 times the 10th percentiles",
        ),
    ],
)
def test_a_busy_machine_is_said_before_divisions(explain, of_machine, said):
    row = IDLE | of_machine
    for code in (None, {"vector": {"zmm": 3}, "width": BITS // 2}):
        assert explain.where_to_look(row | {"limit": "neither"}, code) == (
            f"the machine, which is busy ({said}): measure again when it is idle"
        )
    quiet = explain.where_to_look(IDLE | {"limit": "arithmetic"}, None)
    assert explain.where_to_look(row | {"limit": "arithmetic"}, None) == quiet


@pytest.mark.parametrize(("slow", "busy"), [(1.05, False), (2.0, True)])
def test_what_is_measured_tells_a_busy_machine(explain, monkeypatch, slow, busy):
    """Times of which the faster half is that of an idle machine."""
    clock = iter(range(10**6))

    def rounds_of(contenders, rounds):
        seconds = {name: 1e-5 if name != "time" else 1e-3 for name in contenders}
        return {
            name: [least] * (rounds // 3) + [slow * least] * (rounds - rounds // 3)
            for name, least in seconds.items()
        }

    monkeypatch.setattr(explain, "rounds_of", rounds_of)
    monkeypatch.setattr(explain.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(explain.time, "process_time", lambda: next(clock))
    row = explain.explained("relu_forward", [8], rounds=15)
    assert row["spread"] == pytest.approx(slow)
    assert bool(explain.disturbance(row)) is busy


def test_a_wrong_kernel_is_not_explained(explain, monkeypatch):
    reference = importlib.import_module("fastnet.reference.kernels")
    monkeypatch.setattr(reference, "relu_forward", reference.sigmoid_forward)
    with pytest.raises(AssertionError, match=r"^relu_forward leaves a wrong out: "):
        explain.explained("relu_forward", [8], rounds=1)


def test_bytes_move_as_the_kernel_moves_them(explain, work):
    def mix(name, *shape):
        sizes, types = work.sizes_of(name, shape), work.types_of(name, "float32")
        arguments = work.arguments_of(name, sizes, types)
        written = explain.check(name, arguments, types)
        return explain.mix(work.moves_of(name, sizes, arguments), arguments, written)

    assert mix("relu_backward", 64) == [2, 0, 1]
    assert mix("sgd_update", 64) == [1, 1, 0]
    assert mix("adam_update", 64) == [1, 3, 0]
    assert mix("multiply_backward", 64) == [3, 0, 2]
    assert mix("affine_forward", 100, 784, 50) == [2, 0, 0]
    assert mix("step_backward", 64) == [0, 0, 1]


@pytest.mark.parametrize(("reads", "updates", "writes"), [(2, 0, 0), (1, 1, 0), (1, 0, 2)])
def test_the_stream_moves_what_it_says(explain, monkeypatch, reads, updates, writes):
    x = np.ones((reads + updates + writes, 512), np.float32)
    explain.pass_through(x, reads, updates, 256, 1)
    assert (x[:reads] == 1).all()
    assert (x[reads : reads + updates] == 2).all()
    assert (x[reads + updates :] != 1).all()
    streams, moved = explain.streams_of(2**20, reads, updates, writes, "float32")
    calls = []
    monkeypatch.setattr(explain, "pass_through", lambda *arguments: calls.append(arguments))
    for stream in streams.values():
        stream()
    assert [4 * block for _, _, _, block, _ in calls] == list(explain.BLOCKS)
    for x, *rows, _, times in calls:
        assert rows == [reads, updates] and len(x) == reads + updates + writes
        assert x.nbytes == pytest.approx(2**20, rel=0.02) and x.ctypes.data % 64 == 0
        assert moved == times * (reads + 2 * updates + writes) * x[0].nbytes


# --------------------------------------------------------------------------- the command


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["afine_forward"], r"kernel must be one of fastnet\.kernels, got 'afine_forward'\. "
                            r"Did you mean affine_forward, .*\?"),
        (["zzz"], r"got 'zzz'\. kernels/README\.md lists them\."),
        (["affine_forward", "--shape", "100,784"],
         r"--shape must be N,D,M for affine_forward, each at least 1, got 100,784\. "
         r"Try --shape 128,512,512\."),
        (["sgd_update", "--shape", "5,0"],
         r"--shape must be any sizes for sgd_update, each at least 1, got 5,0\."),
        (["sgd_update", "--shape", "x"], r"--shape must be integers with commas, got 'x'\."),
        (["work_size"], r"work_size computes one number; there is nothing to explain\."),
        ([], r"give a kernel or --all, one of the two\."),
        (["sgd_update", "--all"], r"give a kernel or --all, one of the two\."),
        (["--all", "--shape", "3"], r"--shape goes with one kernel, not with --all\."),
        (["sgd_update", "--png", "x"], r"--png goes with --all\."),
    ],
)  # fmt: skip
def test_bad_arguments_are_named(explain, capsys, words, message):
    with pytest.raises(SystemExit):
        explain.parse(words)
    assert re.search(message, capsys.readouterr().err)


def test_without_matplotlib(explain, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(SystemExit):
        explain.parse(["--all", "--png", "roofline.png"])
    message = capsys.readouterr().err
    assert "--png: matplotlib must be installed, got " in message
    assert "Run pip install matplotlib." in message


def test_command_explains_a_kernel(home, tmp_path):
    file = tmp_path / "explained.json"
    out = command(home, "affine_forward", "--shape", "9,50,20", "--json", str(file))
    result = json.loads(file.read_text())
    [row] = result["kernels"]
    assert row["shape"] == {"N": 9, "D": 50, "M": 20}
    assert row["flops"] == 9 * 20 * (100 + 1 + 27) and row["bytes"] == 4 * (450 + 1000 + 20 + 180)
    assert row["gflops"] == pytest.approx(row["flops"] / row["seconds"][1] / 1e9)
    assert row["of_peak"] == pytest.approx(row["gflops"] / row["peak_gflops"])
    assert row["inner_loop"]["width"] == result["vector_bits"] == BITS
    words = ["time", "work", "arithmetic", "bandwidth", "roofline", "limit", "inner loop"]
    assert re.findall(r"^  (\w+(?: \w+)?)  ", out, re.MULTILINE) == [*words, "look at"]
    assert "affine_forward float32 N=9 D=50 M=20\n" in out
    assert " FLOPs = N*M*(2*D + 1 + sigmoid) where sigmoid = 27; 6,600 bytes must move" in out


@pytest.mark.skipif(BITS == 128, reason="the width here is the narrowest")
def test_command_sees_the_vector_width(home, kernel_cache):
    setting = {"FASTNET_VECTOR_BITS": "128", "NUMBA_CACHE_DIR": kernel_cache("128 bits")}
    out = command(home, "exp_forward", "--shape", "100", **setting)
    assert "inner loop  128 bits; " in out and " xmm and " in out


def test_all_kernels(explain, unpinned, monkeypatch, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    some = ["relu_forward", "identity_forward", "sgd_update"]
    monkeypatch.setattr(explain, "KERNELS", {name: explain.KERNELS[name] for name in some})
    picture, numbers = tmp_path / "roofline.png", tmp_path / "all.json"
    explain.main(["--all", "--rounds", "1", "--png", str(picture), "--json", str(numbers)])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[3:]] == some
    assert [row["kernel"] for row in json.loads(numbers.read_text())["kernels"]] == some
    assert picture.read_bytes().startswith(b"\x89PNG")


# --------------------------------------------------------------------------- the picture


def test_every_kernel_stands_in_the_picture(explain, work, tmp_path, monkeypatch):
    axes = pytest.importorskip("matplotlib.axes")
    written = []
    legend, named = importlib.import_module("matplotlib.figure").Figure.legend, set()

    def keep(self, handles, **options):
        named.update(handle.get_label() for handle in handles)
        return legend(self, handles=handles, **options)

    monkeypatch.setattr("matplotlib.figure.Figure.legend", keep)
    for method in ("text", "annotate"):
        real = getattr(axes.Axes, method)

        def record(self, *arguments, real=real, **options):
            written.extend(str(word) for word in [self.get_title("left"), *arguments])
            return real(self, *arguments, **options)

        monkeypatch.setattr(axes.Axes, method, record)
    row = {"dtype": "float32", "place": "L2", "share": 0.5, "gbytes": 20.0, "bytes": 2.0}
    row["peak_gflops"] = 100.0
    rows = [
        row | {"kernel": name, "flops": 0 if work.KERNELS[name].flops == "0" else 3, "gflops": 30.0}
        for name in work.KERNELS
    ]
    rows[-1]["dtype"] = "float64"
    roofs = {"L1": 90.0, "L2": 50.0, "memory": 10.0}
    explain.draw({"kernels": rows, "cpu": "a CPU"}, roofs, tmp_path / "roofline.png")
    text = "\n".join(written)
    for name in work.KERNELS:
        short = re.sub(r"_(forward|backward)$", "", name)
        assert re.search(
            rf"^({name}|{short}) (\(float64\) )?(20 GB/s )?50%$", text, re.MULTILINE
        ), name
    for title in importlib.import_module("asv_benchmarks.roofline").PANELS:
        assert title in written
    assert f"{rows[-1]['kernel']} (float64) 50%" in written
    assert "100 GFLOP/s" in written
    assert {"L1 90 GB/s", "L2 50 GB/s", "memory 10 GB/s", "arrays in L2"} <= named


def test_no_words_lie_over_others_or_over_marks(explain, work, tmp_path, monkeypatch):
    figures = pytest.importorskip("matplotlib.figure")
    plain = importlib.import_module("matplotlib.text").Text
    kept, real = [], figures.Figure.suptitle
    monkeypatch.setattr(
        figures.Figure, "suptitle", lambda self, *a, **o: (kept.append(self), real(self, *a, **o))
    )
    rng = np.random.default_rng(0)
    row = {"dtype": "float32", "place": "L2", "share": 0.5, "gbytes": 20.0, "peak_gflops": 100.0}
    rows = [
        row | {"kernel": name, "flops": flops, "bytes": 2.0, "gflops": gflops}
        for name, flops, gflops in zip(
            work.KERNELS,
            10 ** rng.uniform(-2, 1, len(work.KERNELS)),
            10 ** rng.uniform(-0.3, 2, len(work.KERNELS)),
            strict=True,
        )
    ]
    roofs = {"L1": 90.0, "L2": 50.0, "L3": 11.0, "memory": 10.0}
    explain.draw({"kernels": rows, "cpu": "a CPU"}, roofs, tmp_path / "roofline.png")
    (figure,) = kept
    for ax in figure.axes:
        # Of the words alone, without their lines.
        boxes = [(text.get_text(), plain.get_window_extent(text)) for text in ax.texts]
        for (one, box), (other, second) in itertools.combinations(boxes, 2):
            assert not box.padded(-1).overlaps(second.padded(-1)), (one, other)
        for line in ax.get_lines():
            if line.get_marker() != "None" and len(line.get_xdata()):
                at = ax.transData.transform(line.get_xydata())[0]
                assert ax.bbox.padded(1).contains(*at)
                assert not any(box.contains(*at) for _, box in boxes)
        assert all(figure.bbox.x1 >= box.x1 for _, box in boxes)


def test_labels_stand_apart(explain):
    apart = importlib.import_module("asv_benchmarks.roofline").apart
    assert apart([], 0.1, 0, 1) == []
    assert apart([0.2, 0.5, 0.9], 0.1, 0, 1) == [0.2, 0.5, 0.9]
    for heights in ([0.5] * 6, [0.96, 0.97, 0.98, 0.99], [0.0, 0.0, 0.01, 0.9]):
        moved = apart(heights, 0.1, 0, 1)
        gaps = np.diff(moved)
        assert (gaps >= 0.1 - 1e-12).all() and moved[0] >= 0 and moved[-1] <= 1


def test_the_readme_shows_the_picture(root):
    text = (root / "kernels" / "README.md").read_text()
    [(alt, file)] = re.findall(r"!\[([^\]]*)\]\(([^)]*)\)", text)
    picture = (root / "kernels" / file).read_bytes()
    assert len(alt) > 50 and picture.startswith(b"\x89PNG") and len(picture) < 200_000
