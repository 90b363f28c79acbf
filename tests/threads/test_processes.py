"""Processes with helpers: they end, fork, and leave nothing behind."""

import os

import pytest
from thread_stacks import run

PROGRAM = """
import os, sys, threading, time, warnings
warnings.simplefilter("error")
import numpy as np
import fastnet
from fastnet import threads
from fastnet.layers import Dense
from fastnet.models import Sequential
from fastnet.optimizer import SGD
from fastnet.reference.kernels.record import layers_of, program_of

threads.FLOPS_A_THREAD, threads.FLOPS_A_CALL = 1.0, 0.0
x = np.random.default_rng(0).standard_normal((400, 784)).astype("float32")
t = np.arange(400) % 10

def train(epochs=20):
    model = Sequential([Dense(50, activation="relu"), Dense(10)], seed=0)
    model.fit(x, t, epochs, 100, SGD(lr=0.01), verbose=0)
    return model.parameter_vector.tobytes()

fastnet.set_num_threads(1)
expected = train()
fastnet.set_num_threads(3)
assert train() == expected
assert len(threads._helpers) == 2 and threading.active_count() == 3
"""


warm = pytest.mark.usefixtures("warm_cache")  # children that print nothing, nor of compiling


@warm
def test_exit_with_sleeping_helpers():
    assert run(PROGRAM + "print('end')") == "end\n"


@warm
def test_exit_in_the_middle_of_a_call():
    code = """
threading.Thread(target=train, args=(10**6,), daemon=True).start()
while not threads._serving.locked():
    time.sleep(0.001)
time.sleep(0.2)
print('end')
"""
    assert run(PROGRAM + code) == "end\n"


@warm
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("during", ["nothing", "a call"])
def test_fork(during):
    """The child starts helpers of its own; so does the parent, whose helpers went before."""
    code = """
if DURING:
    worker = threading.Thread(target=train, args=(3000,))
    worker.start()
    while not threads._serving.locked():
        time.sleep(0.001)
    warnings.simplefilter("ignore")  # of other threads: here there are some
child = os.fork()
if child == 0:
    status = 1
    try:
        assert not threads._helpers and not threads._serving.locked()
        assert train() == expected
        assert len(threads._helpers) == 2
        status = 0
    finally:
        os._exit(status)
assert os.waitpid(child, 0)[1] == 0
assert DURING or threading.active_count() == 1  # Python 3.12 warns of forks beside threads
assert train() == expected
if DURING:
    worker.join()
assert train() == expected
assert len(threads._helpers) == 2
print('end')
"""
    assert run(PROGRAM + f"DURING = {during != 'nothing'}" + code) == "end\n"
