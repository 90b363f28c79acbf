"""`from fastnet import Sequential`: what stands at the top level, and what is said of others."""

import importlib
import inspect
import pydoc
import re
import sys
from pathlib import Path

import children
import pytest
from in_turn import with_each

import fastnet
from fastnet import checks
from fastnet.checks import habits

MODULES = fastnet._MODULES


@with_each("module", MODULES)
def test_each_public_class_and_function_stands_at_the_top(module):
    found = importlib.import_module(f"fastnet.{module}")
    for name in found.__all__:
        public = inspect.isclass(vars(found)[name]) or inspect.isfunction(vars(found)[name])
        assert (name in fastnet.__all__) == (name in dir(fastnet)) == public
        if public:
            assert getattr(fastnet, name) is getattr(found, name)


def test_editors_and_type_checkers_see_the_same():
    """They read the stars under TYPE_CHECKING."""
    text = Path(fastnet.__file__).read_text(encoding="utf-8")
    assert sorted(re.findall(r"^    from fastnet.(\w+) import [*]$", text, re.M)) == sorted(MODULES)


def test_no_two_modules_share_a_name():
    """Else one of them would win in silence; and none is a module's, which would be hidden."""
    names = fastnet.__all__
    assert len(names) == len(set(names)) > 140
    modules = {name.split(".")[1] for name in sys.modules if name.startswith("fastnet.")}
    assert not modules & set(names)
    assert fastnet.softmax is not fastnet.Softmax
    namespace = {}
    exec("from fastnet import *", namespace)
    assert set(names) <= set(namespace)


def test_nothing_is_imported_before_it_is_asked_for():
    code = """
import sys, fastnet
heavy = {"numpy", "numba", "fastnet.layers"}
print(*sorted(heavy & set(sys.modules)))
from fastnet import StepDecay, datasets
print(*sorted(heavy & set(sys.modules)))
from fastnet import Dense
print(fastnet.layers.Dense is Dense)
"""
    path = str(Path(fastnet.__file__).parents[1])
    done = children.run([sys.executable, "-c", f"import sys; sys.path.insert(0, {path!r})\n{code}"])
    assert done.stdout.splitlines() == ["", "numpy", "True"], done.stderr


def test_a_name_that_others_have():
    with pytest.raises(AttributeError) as caught:
        fastnet.Linear  # noqa: B018
    message = (
        f"fastnet: name must be one of its {len(fastnet.__all__)} or of its modules, got 'Linear', "
        "which is PyTorch's. Take Dense(units)."
    )
    assert str(caught.value) == message
    with pytest.raises(ImportError) as caught:
        exec("from fastnet import Linear")  # not Python's own "cannot import name"
    assert str(caught.value) == message
    assert not hasattr(fastnet, "Linear")
    with pytest.raises(AttributeError, match=r"got 'Sequental'. Did you mean 'Sequential'[?]$"):
        fastnet.Sequental  # noqa: B018
    with pytest.raises(AttributeError, match=r"got 'zzz'. Look at dir[(]fastnet[)][.]$"):
        fastnet.zzz  # noqa: B018
    assert not hasattr(fastnet, "__wrapped__")
    from fastnet import cli  # a module that nothing has imported

    assert cli is sys.modules["fastnet.cli"]


@pytest.mark.parametrize(
    ("module", "name", "way"),
    [
        ("layers", "Input", "Keras'. Give the first layer an input_shape: Dense(units, input_"),
        ("layers", "Linear", "PyTorch's. Take Dense(units)."),
        ("losses", "MSELoss", "PyTorch's. Take loss="),
        ("models", "Model", "Keras'. Give the layers to Sequential([...])."),
        ("callbacks", "TensorBoard", "Keras'. Take CSVLogger(path), or a function of"),
        ("optimizer", "Adagrad", "Keras'. Take AdaGrad()."),
    ],
)
def test_a_name_that_others_have_in_a_module(module, name, way):
    found = importlib.import_module(f"fastnet.{module}")
    for kind, code in ((AttributeError, f"found.{name}"), (ImportError, None)):
        with pytest.raises(kind) as caught:
            exec(code or f"from fastnet.{module} import {name}")
        start = f"fastnet.{module}: name must be one of its own, got {name!r}, which is {way}"
        assert str(caught.value).startswith(start)
    assert not hasattr(found, name)
    with pytest.raises(AttributeError, match=f"^module 'fastnet.{module}' has no attribute 'zz'$"):
        found.zz  # noqa: B018


def test_a_layer_that_takes_nothing_says_so():
    with pytest.raises(TypeError) as caught:
        fastnet.Activation("relu")  # as Keras has it
    assert str(caught.value) == (
        "Activation: arguments must be none, got 'relu'. Take Relu(), Tanh() ..., or Dense(units, "
        "activation=...)."
    )
    with pytest.raises(TypeError, match=r"^Relu: arguments must be none, got x=3[.] Leave it out"):
        fastnet.Relu(x=3)


@pytest.mark.parametrize("table", ["TOP", *habits.OF])
def test_no_advice_about_what_is_there(table):
    """A name that fastnet comes to have must leave the table: it would never be seen."""
    kind = fastnet if table == "TOP" else getattr(fastnet, table)
    known = [name for name in dir(kind) if hasattr(kind, name)]  # else it says where the thing is
    found = habits.TOP if table == "TOP" else habits.OF[table]
    assert not set(found) & set(known)


def test_every_advice_of_the_top_names_what_there_is():
    for _, way in habits.TOP.values():
        code = way.removeprefix("Take ").split(", ")[0].split(" or ")[0].split(" is ")[0]
        if not way.startswith("Take ") or code.startswith(("model.", "loss=", "fastnet.sklearn")):
            continue
        name = code.split("(")[0].split(".")[0]
        assert hasattr(fastnet, name), way


def test_the_table_of_a_class_is_that_of_its_base():
    assert set(habits.CALLED) == set(habits.OF) - {"History"}  # which says its own
    for kind in habits.CALLED:
        assert issubclass(getattr(fastnet, kind), checks.Hinted)


class _Stepping:
    @property
    def learning_rate(self):
        return self.lr

    @learning_rate.setter
    def learning_rate(self, lr):
        self.lr = lr

    def step(self):
        return "a step"


def test_what_any_base_has_is_there():
    class Both(fastnet.Adam, _Stepping):
        pass

    class Derived(Both):
        pass

    for kind in (Both, Derived):
        made = kind(lr=0.25)
        assert made.step() == "a step" and made.learning_rate == 0.25
        made.learning_rate = 0.5
        assert made.lr == 0.5
        assert {"step", "learning_rate"} <= set(dir(made))
        with pytest.raises(AttributeError, match=f"{kind.__name__}: name must be an attribute"):
            made.zero_grad  # noqa: B018
    assert not hasattr(fastnet.Adam(), "step")


def test_help_says_where_another_librarys_name_stands():
    text = pydoc.plain(pydoc.render_doc(fastnet.SGD))
    assert "step\n |      Not here, but PyTorch's. Take optimizer.update(" in text


def test_a_name_with_a_dot_is_no_attribute():
    for name in ("models.sequential", "nothing.more"):
        with pytest.raises(AttributeError, match="name must be one of its"):
            getattr(fastnet, name)
