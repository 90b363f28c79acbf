"""A network with attention learns to write dates as YYYY-MM-DD, and shows where it looks.

    python examples/convert_dates.py

Questions are read from right to left, as in the book. The picture, dates.png, has a row for each
character of the answer: bright where attention looked in the question. Expected, in some 20 s:

    epoch 1: 0.0% right
    epoch 2: 1.2% right
    epoch 3: 99.9% right
    epoch 4: 100.0% right
    epoch 5: 100.0% right
    Q 11/28/17
    T 2017-11-28
    ☑ 2017-11-28
    ---
    Q 7/3/79
    T 1979-07-03
    ☑ 1979-07-03
    ---
    dates.png: where it looked
"""

import numpy as np

from fastnet.datasets import load_sequence, make_dates
from fastnet.optimizer import Adam
from fastnet.plot import attention_map
from fastnet.textbook.second import AttentionSeq2seq, Trainer, eval_seq2seq

(x, t), (x_test, t_test), (char_to_id, id_to_char) = load_sequence(make_dates(20_000))
x, x_test = x[:, ::-1], x_test[:, ::-1]

np.random.seed(0)
model = AttentionSeq2seq(len(char_to_id), wordvec_size=16, hidden_size=64)
trainer = Trainer(model, Adam(lr=0.003))
for epoch in range(5):
    trainer.fit(x, t, max_epoch=1, batch_size=64, max_grad=5.0, eval_interval=None)
    right = eval_seq2seq(model, x_test, t_test, id_to_char)
    print(f"epoch {epoch + 1}: {right / len(x_test):.1%} right")
eval_seq2seq(model, x_test[:2], t_test[:2], id_to_char, verbose=True, is_reverse=True)


def written(ids):
    """Return numbers of characters as a text."""
    return "".join(id_to_char[i] for i in ids.tolist())


longest = np.argmax([len(written(row).strip()) for row in x_test])
model.forward(x_test[[longest]], t_test[[longest]])
weights = np.concatenate(model.decoder.attention.attention_weights)  # (10, 29)
ax = attention_map(weights[:, ::-1], written(x_test[longest, ::-1]), written(t_test[longest, 1:]))
ax.figure.savefig("dates.png")
print("dates.png: where it looked")
