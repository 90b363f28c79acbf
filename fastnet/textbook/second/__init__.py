"""The second book: its trainers, whose models keep parameters in lists, and its utilities."""

from fastnet.textbook.second.evaluation import eval_perplexity, eval_seq2seq
from fastnet.textbook.second.rnnlm_trainer import RnnlmTrainer
from fastnet.textbook.second.similarity import analogy, cos_similarity, most_similar, normalize
from fastnet.textbook.second.trainer import Trainer, clip_grads, remove_duplicate
from fastnet.textbook.second.words import (
    convert_one_hot,
    create_co_matrix,
    create_contexts_target,
    ppmi,
    preprocess,
)

__all__ = [
    "RnnlmTrainer",
    "Trainer",
    "analogy",
    "clip_grads",
    "convert_one_hot",
    "cos_similarity",
    "create_co_matrix",
    "create_contexts_target",
    "eval_perplexity",
    "eval_seq2seq",
    "most_similar",
    "normalize",
    "ppmi",
    "preprocess",
    "remove_duplicate",
]

for _name in __all__:
    globals()[_name].__module__ = __name__  # as pickles and messages have them
