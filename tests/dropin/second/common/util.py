from common.np import *


def cos_similarity(x, y, eps=1e-8):
    nx = x / (np.sqrt(np.sum(x**2)) + eps)
    return np.dot(nx, y / (np.sqrt(np.sum(y**2)) + eps))


def most_similar(query, word_to_id, id_to_word, word_matrix, top=5):
    if query not in word_to_id:
        print(f"{query} is not found")
        return
    print("\n[query] " + query)
    vector = word_matrix[word_to_id[query]]
    similarity = np.zeros(len(id_to_word))
    for i in range(len(similarity)):
        similarity[i] = cos_similarity(word_matrix[i], vector)
    others = [i for i in (-1 * similarity).argsort() if id_to_word[i] != query]
    for i in others[:top]:
        print(f" {id_to_word[i]}: {similarity[i]}")


def convert_one_hot(corpus, vocab_size):
    one_hot = np.zeros((*corpus.shape, vocab_size), dtype=np.int32)
    for at, word in np.ndenumerate(corpus):
        one_hot[(*at, word)] = 1
    return one_hot


def create_co_matrix(corpus, vocab_size, window_size=1):
    counts = np.zeros((vocab_size, vocab_size), dtype=np.int32)
    for at, word in enumerate(corpus):
        for i in range(1, window_size + 1):
            for other in (at - i, at + i):
                if 0 <= other < len(corpus):
                    counts[word, corpus[other]] += 1
    return counts


def ppmi(C, verbose=False, eps=1e-8):
    M, N, S = np.zeros_like(C, dtype=np.float32), np.sum(C), np.sum(C, axis=0)
    total, done = C.shape[0] * C.shape[1], 0
    for i in range(C.shape[0]):
        for j in range(C.shape[1]):
            M[i, j] = max(0, np.log2(C[i, j] * N / (S[j] * S[i]) + eps))
            done += 1
            if verbose and done % (total // 100 + 1) == 0:
                print(f"{100 * done / total:.1f}% done")
    return M


def create_contexts_target(corpus, window_size=1):
    rows = []
    for at in range(window_size, len(corpus) - window_size):
        around = range(at - window_size, at + window_size + 1)
        rows.append([corpus[k] for k in around if k != at])
    return np.array(rows), np.array(corpus[window_size:-window_size])


def clip_grads(grads, max_norm):
    norm = np.sqrt(sum(np.sum(grad**2) for grad in grads))
    rate = max_norm / (norm + 1e-6)
    if rate < 1:
        for grad in grads:
            grad *= rate
