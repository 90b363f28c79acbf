"""The bits of results, compared with recorded hashes: what is rebuilt still computes the same.

Where bits.json has no record of such a machine the tests are skipped; shared/hashed.py says how
they are recorded anew where bits are meant to change.
"""

import json
import threading

import examples
import numpy as np
import pytest
from hashed import CASES, RECORD, digest, machine

import fastnet
from fastnet import layers, losses, optimizer


@pytest.fixture(scope="module")
def recorded():
    record = json.loads(RECORD.read_text())
    if machine() not in record:
        pytest.skip(f"bits.json has no record for {machine()}")
    return record[machine()]


@pytest.fixture
def threads_restored():
    before = fastnet.get_num_threads()
    yield
    fastnet.set_num_threads(before)


def test_results_have_the_bits_of_the_record(recorded):
    others = [case for case in CASES if digest(CASES[case]()) != recorded[case]]
    assert not others, ", ".join(others)


@pytest.mark.usefixtures("threads_restored")
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_any_number_of_threads_gives_the_bits_of_the_record(threads, recorded):
    others = []
    for case in [case for case in CASES if case.startswith("network-")]:
        fastnet.set_num_threads(threads)
        if digest(CASES[case]()) != recorded[case]:
            others.append(case)
        if threads > 1 and "of one" not in case:  # those are too small for more than one
            assert any(thread.name == "fastnet" for thread in threading.enumerate()), case
    assert not others, ", ".join(others)


def test_the_record_has_each_case_once(recorded):
    assert sorted(recorded) == sorted(CASES)


def test_a_digest_tells_values_dtypes_and_shapes_apart():
    zeros = np.zeros(4)
    others = [zeros, -zeros, zeros.reshape(2, 2), zeros.astype("f4"), np.zeros(8, "f4"), zeros[:3]]
    assert len({digest([array]) for array in others}) == len(others)


def test_every_public_class_has_an_example():
    made = {type(example.make("float64")).__name__ for example in examples.LAYERS.values()}
    bases = {"Activation", "Layer", "LoopLayer", "Outputs", "Steps", "UnigramSampler"}
    assert made == set(layers.__all__) - bases
    made = {type(example.make()) for example in examples.LOSSES.values()}
    bases = ("LOSSES", "LoopLoss", "Loss")
    public = {getattr(losses, name) for name in losses.__all__ if name not in bases}
    assert made == public and set(losses.LOSSES.values()) <= made
    made = {type(example.make()).__name__ for example in examples.OPTIMIZERS.values()}
    assert made == {name for name in optimizer.__all__ if name[0].isupper()} - {"Optimizer"}
