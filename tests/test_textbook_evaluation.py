"""The second book's trainer of language models, and what says how well networks do."""

import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from refused import refused

from fastnet.reference.textbook import second as plain
from fastnet.textbook import second
from fastnet.textbook.second import RnnlmTrainer, clip_grads, eval_perplexity, eval_seq2seq

SIDES = pytest.mark.parametrize("side", [second, plain])


class Reader:
    """A model whose loss is made of the words that it is given, which it keeps."""

    def __init__(self):
        self.seen, self.params, self.grads = [], [np.ones(2)], [np.array([3.0, 4.0])]

    def forward(self, xs, ts):
        self.seen.append((np.array(xs), np.array(ts)))
        return 0.01 * float(np.mean(xs)) + len(self.seen) / 10

    def backward(self):
        self.grads[0][...] = [3.0, 4.0]


class Trained(Reader):
    def forward(self, xs, ts, train_flg=True):
        assert train_flg is False
        return super().forward(xs, ts)


class Counter:
    def __init__(self):
        self.norms = []

    def update(self, params, grads):
        self.norms.append(float(np.linalg.norm(grads[0])))


# --------------------------------------------------------------------------- RnnlmTrainer


@SIDES
def test_a_text_is_read_in_parts_side_by_side(side, capsys):
    # 23 words in 2 parts of 11, 4 at a time: two updates an epoch; the third epoch reads round.
    words = np.arange(100, 123)
    model, optimizer = Reader(), Counter()
    trainer = side.RnnlmTrainer(model, optimizer)
    assert trainer.fit(words, words + 1, 3, 2, 4, 2.5, eval_interval=1) is None
    seen = [x for x, _ in model.seen]
    assert len(seen) == 6 and seen[0].dtype == np.int32 and seen[0].shape == (2, 4)
    assert seen[0].tolist() == [[100, 101, 102, 103], [111, 112, 113, 114]]
    assert seen[2].tolist() == [[108, 109, 110, 111], [119, 120, 121, 122]]
    assert seen[5].tolist() == [[120, 121, 122, 100], [108, 109, 110, 111]]
    assert all((t == x + 1).all() for x, t in model.seen)
    assert trainer.time_idx == 24 and trainer.current_epoch == 3 and trainer.eval_interval == 1
    losses = [0.01 * x.mean() + (i + 1) / 10 for i, x in enumerate(seen)]
    assert trainer.ppl_list == pytest.approx(np.exp(losses).tolist(), rel=1e-14)
    assert optimizer.norms == pytest.approx([2.5] * 6, rel=1e-6)
    assert len(capsys.readouterr().out.splitlines()) == 6


def test_what_the_trainer_of_language_models_prints(capsys):
    words = np.zeros(40, int)
    trainer = RnnlmTrainer(Reader(), Counter())
    trainer.fit(words, words, 2, 1, 10, eval_interval=3)
    # Losses of 0.1, 0.2 ...: after the first, after three more, and after the first of an epoch.
    ppl = np.exp([0.1, 0.3, 0.5, 0.7])
    assert trainer.ppl_list == pytest.approx(ppl.tolist())
    assert capsys.readouterr().out.splitlines() == [
        f"| epoch {epoch} |  iter {i} / 4 | time 0[s] | perplexity {p:.2f}"
        for (epoch, i), p in zip([(1, 1), (1, 4), (2, 1), (2, 4)], ppl, strict=True)
    ]
    trainer.fit(words, words, 1, 1, 10, eval_interval=None)
    assert capsys.readouterr().out == "" and trainer.ppl_list == [] and trainer.current_epoch == 3
    trainer.get_batch(words, words, 1, 10)
    assert trainer.time_idx == 50


def test_the_curve_of_perplexities(monkeypatch):
    pyplot = pytest.importorskip("matplotlib.pyplot", reason="needs the extra plot")
    drawn = {}
    for name in ("ylim", "plot", "xlabel", "ylabel", "show"):
        monkeypatch.setattr(pyplot, name, lambda *args, name=name, **_: drawn.update({name: args}))
    trainer = RnnlmTrainer(Reader(), Counter())
    rule = "RnnlmTrainer.plot: ppl_list must have a perplexity, got none. Call fit first."
    refused(trainer.plot, ValueError, rule)
    trainer.fit(np.zeros(40, int), np.zeros(40, int), 1, 1, 10, eval_interval=2)
    trainer.plot(ylim=(0, 500))
    assert drawn["plot"] == (trainer.ppl_list,) and drawn["ylim"] == (0, 500)
    assert drawn["xlabel"] == ("iterations (x2)",) and drawn["ylabel"] == ("perplexity",)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"^RnnlmTrainer.plot: matplotlib must be installed"):
        trainer.plot()


def test_bad_arguments_of_the_trainer_of_language_models():
    refused(
        lambda: RnnlmTrainer(3, Counter()),
        TypeError,
        "RnnlmTrainer: model must be an object with forward, backward, got 3. Make one of a class "
        "that has these.",
    )
    refused(
        lambda: RnnlmTrainer(Reader(), Counter),
        TypeError,
        f"RnnlmTrainer: optimizer must be an object with update, got {str(Counter)[:57]}... Make "
        "one of a class that has these."
        if len(str(Counter)) > 60
        else f"RnnlmTrainer: optimizer must be an object with update, got {Counter!r}. Make one of "
        "a class that has these.",
    )
    trainer, words = RnnlmTrainer(Reader(), Counter()), np.zeros(9, int)
    where = "RnnlmTrainer.fit:"
    refused(
        lambda: trainer.fit(words, words, batch_size=2, time_size=5),
        ValueError,
        f"{where} xs must have 10 words at least for batch_size=2 and time_size=5, got 9. Give "
        "more, or smaller batches.",
    )
    refused(
        lambda: trainer.fit(words, words[1:]),
        ValueError,
        f"{where} ts must have a target for each sample, and xs a sample, got xs.shape=(9,) and "
        "ts.shape=(8,). Give equally many.",
    )
    refused(
        lambda: trainer.fit(words, words, 1, 1, 3, max_grad=0),
        ValueError,
        f"{where} max_grad must be above 0, got 0.0. Give a number such as 1.",
    )
    refused(
        lambda: trainer.fit(words, words, 1, 1, 3, eval_interval=0),
        ValueError,
        f"{where} eval_interval must be at least 1, got 0. Give a positive int.",
    )
    assert trainer.current_epoch == 0 and trainer.ppl_list is None and trainer.model.seen == []


@SIDES
def test_gradients_are_clipped_by_the_books_name(side):
    grads = [np.array([3.0]), np.array([[4.0]])]
    assert side.clip_grads(grads, 1.0) is None
    assert grads[0] == pytest.approx(0.6) and grads[1] == pytest.approx(0.8)
    refused(
        lambda: clip_grads(grads, 0),
        ValueError,
        "clip_by_norm: max_norm must be above 0, got 0.0. Give a number such as 1.",
    )


# --------------------------------------------------------------------------- perplexity


@pytest.mark.parametrize("kind", [Reader, Trained])
@SIDES
def test_perplexity_of_a_text_in_parts(side, kind, capsys):
    model, words = kind(), np.arange(48)
    found = side.eval_perplexity(model, words, batch_size=3, time_size=5)
    # 47 words and the next ones, in 3 parts of 15, not of 16.
    assert len(model.seen) == 3
    assert model.seen[1][0].tolist() == [[*range(a, a + 5)] for a in (5, 20, 35)]
    assert all((t == x + 1).all() for x, t in model.seen)
    losses = [0.01 * x.mean() + (i + 1) / 10 for i, (x, _) in enumerate(model.seen)]
    assert found == pytest.approx(np.exp(np.mean(losses)), rel=1e-14)
    if side is second:
        assert capsys.readouterr().out == "evaluating perplexity ...\n\r0 / 3\r1 / 3\r2 / 3\n"


def test_bad_arguments_of_perplexity():
    where = "eval_perplexity:"
    refused(
        lambda: eval_perplexity(Reader(), np.arange(15), 3, 5),
        ValueError,
        f"{where} corpus must have more than 15 words for batch_size=3 and time_size=5, got 15. "
        "Give more, or smaller batches.",
    )
    refused(
        lambda: eval_perplexity(Reader(), [0.5] * 20, 1, 5),
        TypeError,
        f"{where} corpus must be integers, got corpus.dtype=float64. Give the numbers of words, as "
        "preprocess returns them.",
    )
    refused(
        lambda: eval_perplexity(3, np.arange(20)),
        TypeError,
        f"{where} model must be an object with forward, got 3. Make one of a class that has these.",
    )


# --------------------------------------------------------------------------- answers

CHARS = dict(enumerate("_0123 "))


class Echo:
    """Answers the first characters of a question."""

    def generate(self, xs, start_id, sample_size):
        assert start_id == 0 and xs.ndim == 2
        rows = xs[:, :sample_size].tolist()
        return rows if len(rows) > 1 else rows[0]


@SIDES
def test_right_answers_are_counted(side):
    questions, answers = np.array([[1, 2, 5], [3, 4, 5]]), np.array([[0, 1, 2], [0, 3, 1]])
    assert side.eval_seq2seq(Echo(), questions[[0]], answers[[0]], CHARS) == 1
    assert side.eval_seq2seq(Echo(), questions[[1]], answers[[1]], CHARS) == 0
    assert side.eval_seq2seq(Echo(), questions[0], answers[0], CHARS) == 1
    assert side.eval_seq2seq(Echo(), questions, answers, CHARS) == 1


@pytest.mark.parametrize(("system", "marks"), [("nt", "OX"), ("posix", "☑☒")])
def test_answers_are_printed(system, marks, capsys, monkeypatch):
    monkeypatch.setattr("fastnet.textbook.second.evaluation.os.name", system)
    questions, answers = [[1, 2, 3], [3, 4, 4]], [[0, 1, 2], [0, 3, 1]]
    assert eval_seq2seq(Echo(), questions, answers, CHARS, verbose=True) == 1
    said = capsys.readouterr().out
    for color in ("\033[92m", "\033[91m", "\033[0m"):
        assert (color in said) == (system == "posix")
        said = said.replace(color, "")
    assert said.splitlines() == [
        "Q 012", "T 01", f"{marks[0]} 01", "---", "Q 233", "T 20", f"{marks[1]} 23", "---",
    ]  # fmt: skip
    eval_seq2seq(Echo(), questions[:1], answers[:1], CHARS, True, is_reverse=True)
    assert capsys.readouterr().out.splitlines()[0] == "Q 210"


def test_bad_arguments_of_answers():
    where = "eval_seq2seq:"
    rule = f"{where} correct must have an answer of two characters or more for each question"
    refused(
        lambda: eval_seq2seq(Echo(), [[1, 2], [1, 2]], [[0, 1]], CHARS),
        ValueError,
        f"{rule}, got question.shape=(2, 2) and correct.shape=(1, 2). Give equally many.",
    )
    refused(
        lambda: eval_seq2seq(Echo(), [[1, 2]], [[0]], CHARS),
        ValueError,
        f"{rule}, got question.shape=(1, 2) and correct.shape=(1, 1). Give equally many.",
    )
    refused(
        lambda: eval_seq2seq(Echo(), [[1, 2], [1, 2]], [[0, 1], [1, 1]], CHARS),
        ValueError,
        f"{where} correct must begin with the same number in every row, got [0, 1]. Give answers "
        "that begin with a mark.",
    )
    refused(
        lambda: eval_seq2seq(3, [[1, 2]], [[0, 1]], CHARS),
        TypeError,
        f"{where} model must be an object with generate, got 3. Make one of a class that has "
        "these.",
    )


def test_arguments_stay_as_they_are():
    questions, answers = np.array([[1, 2, 3]]), np.array([[0, 1, 2]])
    eval_seq2seq(Echo(), questions, answers, CHARS)
    assert_array_equal(questions, [[1, 2, 3]])
    assert_array_equal(answers, [[0, 1, 2]])
