"""The second book: words as vectors, language models, networks from sequence to sequence.

Its trainers, whose models keep parameters and gradients in lists, its networks, with weights from
NumPy's global generator, and what its common/util.py has.
"""

from fastnet.textbook.second.attention import AttentionDecoder, AttentionEncoder, AttentionSeq2seq
from fastnet.textbook.second.coders import Decoder, Encoder, PeekyDecoder
from fastnet.textbook.second.evaluation import eval_perplexity, eval_seq2seq
from fastnet.textbook.second.generation import BetterRnnlmGen, RnnlmGen
from fastnet.textbook.second.language_models import BetterRnnlm, Rnnlm, SimpleRnnlm
from fastnet.textbook.second.model import BaseModel
from fastnet.textbook.second.rnnlm_trainer import RnnlmTrainer
from fastnet.textbook.second.seq2seq import PeekySeq2seq, Seq2seq
from fastnet.textbook.second.similarity import analogy, cos_similarity, most_similar, normalize
from fastnet.textbook.second.trainer import Trainer, clip_grads, remove_duplicate
from fastnet.textbook.second.word_vectors import CBOW, SimpleCBOW, SimpleSkipGram, SkipGram
from fastnet.textbook.second.words import (
    convert_one_hot,
    create_co_matrix,
    create_contexts_target,
    ppmi,
    preprocess,
)

__all__ = [
    "CBOW",
    "AttentionDecoder",
    "AttentionEncoder",
    "AttentionSeq2seq",
    "BaseModel",
    "BetterRnnlm",
    "BetterRnnlmGen",
    "Decoder",
    "Encoder",
    "PeekyDecoder",
    "PeekySeq2seq",
    "Rnnlm",
    "RnnlmGen",
    "RnnlmTrainer",
    "Seq2seq",
    "SimpleCBOW",
    "SimpleRnnlm",
    "SimpleSkipGram",
    "SkipGram",
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
