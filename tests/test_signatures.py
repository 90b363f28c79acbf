"""Every public name stands in fastnet and in fastnet.reference, with the same signature."""

import importlib
import inspect

from in_turn import with_each

from fastnet.checks import Checked
from fastnet.checks.habits import Elsewhere

PACKAGES = ["fastnet", "fastnet.reference"]
MODULES = ["functions", "gradient", "initializers", "kernels", "layers", "losses", "metrics"]
MODULES += ["models", "optimizer", "penalties", "textbook.first", "textbook.second"]

# What the NumPy twin leaves out: files and pictures are no arithmetic, and its dtype and loss are
# attributes that nobody guards.
NOT_MIRRORED = {
    "layers.Branches": {"input_shape", "output_shapes"},
    "models.Sequential": {
        *("dtype", "load", "loss", "metadata", "save"),
        *("from_keras", "from_sklearn", "from_torch", "to_onnx", "to_torch"),
        *("get_weights", "set_weights", "stop_training", "train_on_batch", "test_on_batch"),
    },
    "textbook.second.Trainer": {"plot"},
    "textbook.second.RnnlmTrainer": {"plot"},
}
# Arguments that it leaves out, by member.
ARGUMENTS_LEFT_OUT = {
    "models.Sequential.fit": {"callbacks", "validation_split", "initial_epoch", "steps_per_epoch"}
    | {"drop_last"},
    "models.Sequential.summary": {"print_fn"},
}
# Arguments that may be left out here alone, as batches bring them along, and what arrays have then.
NONE = inspect.Parameter.empty
OPTIONAL_HERE = {
    "models.Sequential.fit": {"t": NONE, "batch_size": 32, "shuffle": True},
    "models.Sequential.evaluate": {"t": NONE},
}
IN_LOOP = {
    "argument_names",
    "entry",
    "in_loop",
    "kernels",
}  # what something is to the compiled loop, of which NumPy has none
# Bases of classes of your own, and what is written for the compiled loop alone.
WITHOUT_TWIN = {
    *(f"kernels.{name}" for name in ("dense_layers", "elementwise", "entry", "helper")),
    *(f"kernels.{name}" for name in ("mean_loss", "sum_loss", "update_kernel", "update_rule")),
    *("kernels.layers_of", "kernels.program_of"),
    "textbook.second.BaseModel",
    *(
        "layers.Activation",
        "layers.Layer",
        "layers.LoopLayer",
        "layers.Outputs",
        "layers.Steps",
        "losses.LoopLoss",
        "losses.Loss",
        "metrics.Metric",
    ),
}


def modules(name):
    return [importlib.import_module(f"{package}.{name}") for package in PACKAGES]


def unwrapped(value):
    """The Python function of a jitted one."""
    return getattr(value, "py_func", value)


def public_names(module):
    """Functions and classes that the module (or, for kernels, its files) defines, and its codes."""
    names = set()
    for name in dir(module):
        value = getattr(module, name)
        home = f"{getattr(unwrapped(value), '__module__', None)}."
        defined_here = callable(value) and home.startswith(f"{module.__name__}.")
        is_code = isinstance(value, int) and module.__name__.endswith(".kernels")
        if not name.startswith("_") and (defined_here or is_code):
            names.add(name)
    return names


def public_members(cls):
    """Methods and properties: what is checked when assigned is a mere attribute of the twin.

    What is only told to stand elsewhere is none.
    """
    names = {name for name in dir(cls) if not name.startswith("_")} - IN_LOOP
    return {
        name
        for name in names
        if not isinstance(inspect.getattr_static(cls, name), Checked | Elsewhere)
    }


def signature(value):
    """Names, kinds and defaults; the twins differ in annotations."""
    parameters = inspect.signature(unwrapped(value)).parameters.values()
    return [(p.name, p.kind.name, p.default) for p in parameters]


def pairs():
    """List, as "module.name", what either side has: a name that the other lacks must fail."""
    for module in MODULES:
        for name in sorted(set.union(*map(public_names, modules(module)))):
            if f"{module}.{name}" not in WITHOUT_TWIN:
                yield f"{module}.{name}"


def test_the_inventory_is_not_empty():
    # A filter above that lets nothing through would make every test below pass.
    found = set(pairs())
    assert len(found) > 50
    assert found >= {
        "functions.softmax",
        "layers.Dense",
        "losses.MeanSquaredError",
        "optimizer.SGD",
        "models.Sequential",
        "kernels.train_epochs",
        "kernels.RELU",
    }


@with_each("pair", pairs())
def test_public_name_is_the_same_on_both_sides(pair):
    module, _, name = pair.rpartition(".")
    for side in modules(module):
        assert hasattr(side, name), f"{side.__name__} lacks {name}"
    fast, plain = (getattr(side, name) for side in modules(module))
    if isinstance(plain, int):
        assert fast == plain
        return
    assert inspect.isclass(fast) == inspect.isclass(plain)
    assert signature(fast) == signature(plain)
    if not inspect.isclass(plain):
        return
    left_out = NOT_MIRRORED.get(pair, set())
    for base in inspect.getmro(fast)[1:]:  # what the loop and files ask its class for
        if f"{module}.{base.__name__}" in WITHOUT_TWIN:
            left_out = left_out | (public_members(base) - public_members(plain))
    assert public_members(fast) >= left_out, f"{pair}: NOT_MIRRORED names what is not there"
    assert public_members(fast) - left_out == public_members(plain)
    for member in sorted(public_members(plain)):
        mine, twin = (inspect.getattr_static(cls, member) for cls in (fast, plain))
        assert type(mine) is type(twin), (
            f"{pair}.{member}: a {type(mine)} here, a {type(twin)} there"
        )
        if isinstance(twin, property):
            assert (mine.fset is None) == (twin.fset is None), f"{pair}.{member}: one has no setter"
        elif callable(getattr(plain, member)):
            mine, twin = (getattr(cls, member) for cls in (fast, plain))
            left_out = ARGUMENTS_LEFT_OUT.get(f"{pair}.{member}", set())
            known = [each for each in signature(mine) if each[0] not in left_out]
            free = OPTIONAL_HERE.get(f"{pair}.{member}", {})
            known = [(*one[:2], free.get(one[0], one[2])) for one in known]
            assert known == signature(twin), f"{pair}.{member}"
            assert left_out <= {name for name, _, _ in signature(mine)}
