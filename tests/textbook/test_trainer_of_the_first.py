"""The first book's Trainer: its numbers, what it prints, and the errors of its arguments."""

# ruff: noqa: NPY002  the books draw from NumPy's global generator

import numpy as np
import pytest
from books_networks import LABELS, ONE_HOT, X, assert_near
from in_turn import with_each
from numpy.testing import assert_array_equal
from refused import refused

from fastnet.datasets import load_digits
from fastnet.models import TwoLayerNet
from fastnet.reference.textbook import first as plain_first
from fastnet.textbook import first
from fastnet.textbook.first import MultiLayerNet, MultiLayerNetExtend


@pytest.mark.parametrize(
    "name", ["SGD", "momentum", "Nesterov", "AdaGrad", "RMSprop", "rmsprpo", "ADAM"]
)
@pytest.mark.parametrize("batch", [10, 200])
def test_first_trainer_is_the_books(common, capsys, name, batch):
    # 105 samples in batches of 10: accuracies at every 21st update, as 10.5 is no whole number.
    books = common("first", "trainer").Trainer
    results = []
    for kind, network in (
        (first.Trainer, MultiLayerNet),
        (plain_first.Trainer, plain_first.MultiLayerNet),
        (books, plain_first.MultiLayerNet),
    ):
        np.random.seed(0)
        its = name if kind is not books else {"rmsprpo": "rmsprop"}.get(name, name)
        trainer = kind(
            network(6, [8], 3), X, ONE_HOT, X[30:], ONE_HOT[30:], 5, batch, its, {"lr": 0.03}, 60
        )
        assert trainer.train() is None
        results.append(trainer)
        assert capsys.readouterr().out
    ours, *others = results
    expected = 52 if batch == 10 else 5
    assert len(ours.train_loss_list) == expected
    assert len(ours.train_acc_list) == len(ours.test_acc_list) == (3 if batch == 10 else 5)
    assert ours.current_iter == expected and ours.current_epoch == len(ours.test_acc_list)
    for other in others:
        assert_near(ours.train_loss_list, other.train_loss_list)
        assert_array_equal(ours.train_acc_list, other.train_acc_list)
        assert_array_equal(ours.test_acc_list, other.test_acc_list)
        for key, param in other.network.params.items():
            assert_near(ours.network.params[key], param)


def test_first_trainer_prints_only_when_asked(capsys):
    for verbose in (True, False):
        network = TwoLayerNet(6, 5, 3)
        trainer = first.Trainer(network, X, LABELS, X, LABELS, 1, 50, verbose=verbose)
        trainer.train()
        said = capsys.readouterr().out.splitlines()
        if not verbose:
            assert said == []
            continue
        loss, accuracy = trainer.train_loss_list, network.accuracy(X, LABELS)
        began = f"train acc:{trainer.train_acc_list[0]}, test acc:{trainer.test_acc_list[0]}"
        assert said == [
            f"train loss:{loss[0]}",
            f"=== epoch:1, {began} ===",
            f"train loss:{loss[1]}",
            "=============== Final Test Accuracy ===============",
            f"test acc:{accuracy}",
        ]


def test_first_trainer_takes_lists_and_learns():
    (x, t), (x_test, t_test) = load_digits(normalize=True)
    np.random.seed(1)
    network = MultiLayerNetExtend(64, [32], 10, use_batchnorm=True)
    trainer = first.Trainer(
        network, x.tolist(), t.tolist(), x_test, t_test, 5, 50, "adam", verbose=False
    )
    trainer.train()
    assert trainer.optimizer.lr == 0.01  # not Adam's own 0.001
    assert network.accuracy(x_test, t_test) > 0.95


NO_NETWORK = (
    "network must be an object with params, gradient, loss, accuracy, got {}. Make one of a class "
    "that has these."
)


@with_each("change, error, text", [
        ({"network": 5}, TypeError, NO_NETWORK.format(5)),
        ({"network": MultiLayerNet}, TypeError, NO_NETWORK.format(repr(MultiLayerNet))),
        (
            {"t_train": LABELS[:5]}, ValueError,
            "t_train must have a target for each sample, and x_train a sample, got "
            "x_train.shape=(105, 6) and t_train.shape=(5,). Give equally many.",
        ),
        (
            {"x_test": X[:0], "t_test": LABELS[:0]}, ValueError,
            "t_test must have a target for each sample, and x_test a sample, got x_test.shape=(0, "
            "6) and t_test.shape=(0,). Give equally many.",
        ),
        (
            {"t_test": 3}, ValueError,
            "t_test must have a target for each sample, and x_test a sample, got "
            "x_test.shape=(105, 6) and t_test.shape=(). Give equally many.",
        ),
        ({"epochs": 0}, ValueError, "epochs must be at least 1, got 0. Give a positive int."),
        (
            {"mini_batch_size": 1.5}, TypeError,
            "mini_batch_size must be a whole number, got 1.5. Give an int.",
        ),
        (
            {"optimizer": "newton"}, ValueError,
            "optimizer must be one of 'sgd', 'momentum', 'nesterov', 'adagrad', 'rmsprop', "
            "'rmsprpo', 'adam', got 'newton'. Give one of these names.",
        ),
        (
            {"optimizer": None}, ValueError,
            "optimizer must be one of 'sgd', 'momentum', 'nesterov', 'adagrad', 'rmsprop', "
            "'rmsprpo', 'adam', got None. Give one of these names.",
        ),
        (
            {"optimizer_param": {"rate": 0.1}}, TypeError,
            "optimizer_param must be a dict of arguments of SGD (lr, weight_decay, clip_value, "
            "clip_norm), got {'rate': 0.1}. Give a dict such as {'lr': 0.01}.",
        ),
        (
            {"optimizer_param": 0.1}, TypeError,
            "optimizer_param must be a dict of arguments of SGD (lr, weight_decay, clip_value, "
            "clip_norm), got 0.1. Give a dict such as {'lr': 0.01}.",
        ),
        (
            {"evaluate_sample_num_per_epoch": 0}, ValueError,
            "evaluate_sample_num_per_epoch must be at least 1, got 0. Give a positive int.",
        ),
        (
            {"verbose": 2}, TypeError,
            "verbose must be True or False, got 2. Give one of the two.",
        ),
    ])  # fmt: skip
def test_bad_arguments_of_the_first_trainer(change, error, text):
    arguments = {"network": TwoLayerNet(6, 5, 3), "x_train": X, "t_train": LABELS}
    arguments |= {"x_test": X, "t_test": LABELS}
    refused(lambda: first.Trainer(**(arguments | change)), error, f"Trainer: {text}")


def test_an_optimizers_own_error_is_the_trainers():
    refused(
        lambda: first.Trainer(TwoLayerNet(6, 5, 3), X, LABELS, X, LABELS, 1, 9, "sgd", {"lr": -1}),
        ValueError,
        "SGD: lr must not be negative, got -1.0. Give a number such as 0.1.",
    )
