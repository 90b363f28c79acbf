"""A list that is made when someone looks: every method of a list sees it."""

from fastnet.dropin.later import Later, layers_of, taken


def test_a_later_list_is_a_list():
    def made():
        return Later("kept", lambda: [3, 1, 2])

    assert made() == [3, 1, 2] and made()[1:] == [1, 2] and len(made()) == 3 and 2 in made()
    assert list(reversed(made())) == [2, 1, 3] and repr(made()) == "[3, 1, 2]" and bool(made())
    assert [*made()] == sorted(made())[::-1] or sorted(made()) == [1, 2, 3]
    changed = made()
    assert taken(changed) == "kept"
    changed[0] = 9
    assert changed == [9, 1, 2] and taken(changed) is None
    changed = made()
    changed.append(5)
    assert changed == [3, 1, 2, 5] and taken(changed) is None and taken([1]) is None

    class Layer:
        layers = None

        def forward(self, x):
            self.layers = [x + self.start]

    layer = Layer()
    make = layers_of(Layer.forward, layer, 4, start=2)
    assert make() == [6] and layer.layers is None


def test_every_method_of_a_list_sees_the_list():
    for name, arguments in {
        **{"__add__": ([3],), "__mul__": (2,), "__rmul__": (2,), "copy": (), "count": (1,)},
        **{"index": (2,), "pop": (), "insert": (0, 5), "extend": ([7],), "remove": (1,)},
        **{"__iadd__": ([3],), "__imul__": (2,), "__delitem__": (0,), "__setitem__": (0, 9)},
        **{"clear": (), "reverse": (), "sort": (), "append": (4,)},
    }.items():
        plain, later = [1, 2], Later(5, lambda: [1, 2])
        wanted, found = getattr(plain, name)(*arguments), getattr(later, name)(*arguments)
        assert found == wanted and list(later) == plain, name
        assert (taken(later) is None) == (plain != [1, 2] or name in ("sort",)), name
