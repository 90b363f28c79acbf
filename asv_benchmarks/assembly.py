"""Innermost loops of assembly, for x86 and Arm, and what their instructions are.

Loops come from the control flow, not from "label to backward jump": where LLVM makes branches of a
masked load, or moves blocks, those of one loop lie scattered.
"""

import re

JUMP = re.compile(r"(?:j[a-z]+|b(?:\.\w+)?|cbn?z|tbn?z)\s(?:.*[\s,])?([.\w$]+)$")
ENDS = re.compile(r"(jmpq?|b|br|retq?|ud2|brk|udf)(\s|$)")  # nothing falls through
STACK = r".*(\(%rsp|\[sp\b)"
# By the frame pointer, in a function that sets one; elsewhere it is a register like others.
FRAME = r".*(\(%rbp|\[x29\b)"
SETS_FRAME = r"movq\s+%rsp, %rbp|(mov|add)\s+x29, sp"
VECTORS = r"%[xyz]mm"
KINDS = {
    "fma": r"vf\w*m(add|sub)\d*p[sd]\s|fml[as][.\s]",
    "multiply": r"v?mulp[sd]\s",
    "add": r"v?addp[sd]\s",
    "stack": STACK,
    # Made by comparing vectors, or of bits; used by a masked load or store.
    "masks": r"v?p?maskmov|vmov\w+\s.*\{%k|(ld|st)1[bhwd]\s.*p\d"
             rf"|v?p?cmp(eq|gt|[lgn]\w+|ord|p[sd])\s.*{VECTORS}|vpcmp\w+\s|k[a-z]+[bwdq]\s"
             r"|v?p?movmsk\w+|vpmov\w+\s.*%k|v?pack\w+|cm(gt|ge|hi|hs|eq|tst)[.\s]",
    "lanes": r"ld1\S*\s.*\}\[\d|v?(insertps|pinsr\w|movhp\w)\s.*\(",  # a vector in pieces
    "moves": rf"v?mov[au]p\w\s+{VECTORS}\d+, {VECTORS}\d+$|v?movdq\w+\s+{VECTORS}\d+, "
             rf"{VECTORS}\d+$|mov(\.16b)?\sv\d+",
    "calls": r"call|blr?\s",  # of fmaf, lane by lane
    "branches": JUMP.pattern,
}  # fmt: skip


def functions(assembly):
    """Yield the name and the blocks, [(label, instructions)], of every function."""
    name, blocks = None, []
    for text in assembly.splitlines():
        line = re.sub(r"\s*(//|##|[#;]\s).*$", "", text).strip()
        label = re.match(r'"?([.\w$@]+)"?:$', line)
        if label and re.match(r"\.?L(tmp|loh)", label[1]):
            continue
        if label and re.match(r"\.?L", label[1]):
            blocks.append((label[1], []))
        elif label:
            yield name, blocks
            name, blocks = label[1], [(label[1], [])]
        elif line and line[0] not in ".#/;" and blocks:
            blocks[-1][1].append(line)
            if JUMP.match(line) and not ENDS.match(line):
                blocks.append((f"+{len(blocks)}", []))
    yield name, blocks


def components(nodes, edges):
    """Return the sets of nodes that reach each other, by Tarjan's algorithm without recursion."""
    index, low, stack, found = {}, {}, [], []
    for root in nodes:
        path = [] if root in index else [(root, iter(edges[root] & nodes))]
        if path:
            index[root] = low[root] = len(index)
            stack.append(root)
        while path:
            node, successors = path[-1]
            for other in successors:
                if other not in index:
                    index[other] = low[other] = len(index)
                    stack.append(other)
                    path.append((other, iter(edges[other] & nodes)))
                    break
                if other in low:  # on the stack
                    low[node] = min(low[node], index[other])
            else:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[node])
                if low[node] == index[node]:
                    members = set()
                    while node not in members:
                        members.add(stack.pop())
                    for member in members:
                        del low[member]
                    if len(members) > 1 or node in edges[node]:
                        found.append(members)
    return found


def has_frame(blocks):
    """Return whether a function keeps the address of its part of the stack in a register."""
    return any(re.match(SETS_FRAME, line) for _, lines in blocks for line in lines)


def innermost_loops(blocks):
    """Return the instructions of each loop of a function without a loop inside."""
    at = {label: i for i, (label, _) in enumerate(blocks)}
    edges = {}
    for i, (_, lines) in enumerate(blocks):
        jumps = [jump[1] for line in lines if (jump := JUMP.match(line))]
        edges[i] = {at[label] for label in jumps if label in at}
        if i + 1 < len(blocks) and not (lines and ENDS.match(lines[-1])):
            edges[i].add(i + 1)
    found, left = [], components(set(edges), edges)
    while left:
        loop = left.pop()
        # A loop inside is one that is left without the way back to where this one is entered.
        heads = {m for n in edges if n not in loop for m in edges[n] & loop} or {min(loop)}
        for n in loop:
            edges[n] = edges[n] - heads
        inner = components(loop, edges)
        left += inner
        if not inner:
            found.append([line for n in sorted(loop) for line in blocks[n][1]])
    return found


def counted(loop, frame=False):
    """Return how many instructions of each kind a loop has, in a function with a frame or not."""
    kinds = KINDS | {"stack": f"{STACK}|{FRAME}"} if frame else KINDS
    counts = {kind: sum(bool(re.match(p, line)) for line in loop) for kind, p in kinds.items()}
    multiply, add = counts.pop("multiply"), counts.pop("add")
    return {"all": len(loop), "multiply_adds": counts.pop("fma") + min(multiply, add)} | counts
