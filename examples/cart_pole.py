"""A policy network, stepped by hand: REINFORCE balances a pole on a cart.

    python examples/cart_pole.py

`forward(x)` without targets gives the outputs, and `backward(dout)` takes the gradient of a loss
that no layer knows: log p(action) times how much better the rest of its episode was than usual.
Expected, in some 1 s:

    episodes 1 to 50: 18 steps
    ...
    episodes 151 to 200: 198 steps
    episodes 201 to 250: 196 steps
    episodes 251 to 300: 199 steps
"""

import math

import numpy as np

from fastnet.functions import softmax
from fastnet.layers import Dense
from fastnet.models import Sequential
from fastnet.optimizer import Adam

rng = np.random.default_rng(0)
LONGEST = 200


def step(state, action):
    """Return the state 0.02 s later: Barto, Sutton and Anderson 1983, as Gym has it."""
    x, v, angle, turning = state
    force, sin, cos = 20.0 * action - 10.0, math.sin(angle), math.cos(angle)
    push = (force + 0.05 * turning**2 * sin) / 1.1
    turn = (9.8 * sin - cos * push) / (0.5 * (4 / 3 - 0.1 * cos**2 / 1.1))
    go = push - 0.05 * turn * cos / 1.1
    return np.array([x + 0.02 * v, v + 0.02 * go, angle + 0.02 * turning, turning + 0.02 * turn])


def episode(policy):
    """Play until the pole falls, the cart leaves, or the time is up."""
    state, states, actions = rng.uniform(-0.05, 0.05, 4), [], []
    while abs(state[0]) < 2.4 and abs(state[2]) < 0.21 and len(states) < LONGEST:
        left, right = policy.predict(state)
        action = int(rng.random() * (1 + math.exp(left - right)) < 1)
        states.append(state)
        actions.append(action)
        state = step(state, action)
    return np.array(states), np.array(actions)


policy = Sequential([Dense(32, "tanh"), Dense(2)], dtype="float64", seed=0)
optimizer, lengths = Adam(lr=0.01), []
for _ in range(300):
    states, actions = episode(policy)
    n = len(states)
    lengths.append(n)
    returns = (1 - 0.99 ** np.arange(n, 0, -1)) / 0.01  # of steps that are still to come
    usual = (1 - 0.99 ** np.mean(lengths[-20:])) / 0.02
    p = softmax(policy.forward(states))
    policy.backward((p - np.eye(2)[actions]) * ((returns - usual) / (50 * n))[:, None] * 10)
    optimizer.update(policy.params, policy.grads)
for first in range(0, 300, 50):
    print(f"episodes {first + 1} to {first + 50}: {np.mean(lengths[first : first + 50]):.0f} steps")
