"""What the times of two sides say: how sure it is that one is slower, and the table."""

import numpy as np

SURE = 0.95  # that all intervals of a table hold what they are of


def least_rounds(benchmarks):
    """Return how many rounds it takes to be that sure, where all of them agree."""
    return int(np.ceil(np.log2(2 * benchmarks / (1 - SURE))))


def judge(samples, threshold, benchmarks=1):
    """Return HEAD / BASE, its interval's ends, HEAD / BASE of the control alone, and the verdict.

    Of each round counts the change of log(fastnet / control). The interval holds the changes that
    Wilcoxon's signed-rank test does not reject, which is exact where noise is the same on both
    sides; its ends are means of two rounds. Of many benchmarks each interval is the wider, for all
    to hold at once (Bonferroni).
    """
    from scipy.stats import wilcoxon

    logs = np.log(samples)
    to_control = logs[..., 0] - logs[..., 1]
    changes = to_control[:, 1] - to_control[:, 0]
    means = np.add.outer(changes, changes)[np.triu_indices(len(changes))] / 2
    means.sort()
    between = (means[1:] + means[:-1]) / 2
    p = wilcoxon(changes - between[:, None], axis=1, method="exact").pvalue
    kept = np.flatnonzero(p > (1 - SURE) / benchmarks)
    ratio, low, high = np.exp([np.median(means), means[kept[0]], means[kept[-1] + 1]])
    control = np.exp(np.median(logs[:, 1, 1] - logs[:, 0, 1]))
    if low > 1 + threshold:
        verdict = "slower"
    elif high < 1 / (1 + threshold):
        verdict = "faster"
    elif 1 / (1 + threshold) <= low and high <= 1 + threshold:
        verdict = "same"
    else:
        verdict = "cannot tell"
    return ratio, low, high, control, verdict


def report(samples, threshold):
    """Print the table and the control's drift; return whether something is slower."""
    print("| benchmark | BASE | HEAD | HEAD / BASE | interval | control | verdict |")
    print("|---|---|---|---|---|---|---|")
    verdicts = []
    for name, of_one in samples.items():
        ratio, low, high, control, verdict = judge(of_one, threshold, len(samples))
        base, head = np.median(of_one[:, :, 0], axis=0) * 1e6
        print(
            f"| {name} | {base:.4g} µs | {head:.4g} µs | {ratio:.3f} | {low:.3f} to {high:.3f} "
            f"| {control:.3f} | {verdict} |"
        )
        verdicts.append(verdict)
    controls = np.log([of_one[:, :, 1] for of_one in samples.values()])
    drift = controls - np.median(controls, axis=(1, 2), keepdims=True)
    of_processes = np.exp(np.median(drift, axis=0))
    print(
        f"\nControl: from process to process, NumPy took {of_processes.min():.2f} to "
        f"{of_processes.max():.2f} of its median."
    )
    return "slower" in verdicts
