"""A language model reads sentences of a small grammar, and then writes some of its own.

    python examples/write_text.py

The grammar has 30 words; every word of a sentence says little about the next one but its kind, and
the number of the first noun decides how the verb ends, two or three words later. The text's own
perplexity, that of a reader who knows the grammar, is printed beside the model's: the model has
learnt all that there is when they are equal. Expected, in some 5 s:

    | epoch 1 |  iter 1 / 97 | time 0[s] | perplexity 26.99
    ...
    | epoch 4 |  iter 51 / 97 | time 2[s] | perplexity 3.73
    evaluating perplexity ...
    perplexity 3.78, of the grammar 3.68
    the happy girl likes all kings.
    all birds see the old cat.
    all small kings like all girls.
    the girl sees all quick dogs.
    all dogs see all quick birds.
    the dog sees the
"""

import math

import numpy as np

from fastnet.optimizer import Adam
from fastnet.textbook.second import RnnlmGen, RnnlmTrainer, eval_perplexity, preprocess

NOUNS = ["cat", "dog", "bird", "girl", "king", "robot"]
ADJECTIVES = ["small", "old", "quick", "happy"]
VERBS = ["see", "like", "follow", "hear"]


def sentence(rng):
    """Return a sentence, and how many others there could have been for each of its choices."""
    words, ways = [], 1
    plural = rng.random() < 0.5
    for is_object in (False, True):
        many = rng.random() < 0.5 if is_object else plural
        words.append("all" if many else "the")
        described = rng.random() < 0.5
        ways *= 4
        if described:
            words.append(ADJECTIVES[rng.integers(len(ADJECTIVES))])
            ways *= len(ADJECTIVES)
        words.append(NOUNS[rng.integers(len(NOUNS))] + "s" * many)
        ways *= len(NOUNS)
        if not is_object:
            words.append(VERBS[rng.integers(len(VERBS))] + "s" * (not plural))
            ways *= len(VERBS)
    return " ".join(words), ways


rng = np.random.default_rng(0)
sentences, ways = zip(*[sentence(rng) for _ in range(6000)], strict=True)
corpus, word_to_id, id_to_word = preprocess(". ".join(sentences) + ".")
train, test = corpus[:-3000], corpus[-3000:]
# What remains to be guessed of a sentence, shared among its words.
own = math.exp(sum(map(math.log, ways)) / len(corpus))

np.random.seed(1)
model = RnnlmGen(len(word_to_id), wordvec_size=32, hidden_size=64)
trainer = RnnlmTrainer(model, Adam(lr=0.005))
trainer.fit(train[:-1], train[1:], max_epoch=4, batch_size=20, time_size=20, eval_interval=50)

model.reset_state()
print(f"perplexity {eval_perplexity(model, test):.2f}, of the grammar {own:.2f}")
model.reset_state()
words = model.generate(word_to_id["."], sample_size=40)
print(" ".join(id_to_word[i] for i in words[1:]).replace(" . ", ".\n"))
