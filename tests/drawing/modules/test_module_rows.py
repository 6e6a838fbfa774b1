"""The rows of the drawing of a network: folding, what is left out, widths, bounds."""

from __future__ import annotations

from pdas.drawing.modules.overview import Node, Overview, Term
from pdas.drawing.modules.rows import MOST_CHIPS, MOST_ROWS, Row, rows_of, taken_of

OPS = ("relu", "tanh")


def choice(name: str, variable: str) -> Node:
    candidates = tuple(Node(op, op.title(), used_with=(i,)) for i, op in enumerate(OPS))
    return Node(name, "Choice", variable=variable, children=candidates)


def rows(overview: Overview, labels: dict[str, object], **p: list[float]) -> list[Row]:
    return rows_of(overview, taken_of(overview, labels, p))[0]


def chosen(row: Row) -> list[str]:
    return [chip.label for chip in row.chips if chip.is_chosen]


def test_what_was_chosen_is_marked_and_the_others_are_left_out() -> None:
    overview = Overview({"act": OPS}, choice("", "act"))
    head, relu, tanh = rows(overview, {"act": "tanh"}, act=[0.2, 0.8])
    assert chosen(head) == ["tanh"]
    assert [chip.probability for chip in head.chips] == [None, 0.8]
    assert (relu.is_used, tanh.is_used, head.below) == (False, True, 2)


def test_without_an_architecture_nothing_is_left_out() -> None:
    overview = Overview({"act": OPS}, choice("", "act"))
    assert all(row.is_used and not chosen(row) for row in rows(overview, {}))
    assert rows(overview, {"act": "unknown"}) == rows(overview, {})


def test_equal_siblings_are_one_with_the_least_probability() -> None:
    blocks = tuple(choice(str(i), f"act{i}") for i in range(4))
    overview = Overview({f"act{i}": OPS for i in range(4)}, Node("", "Sequential", children=blocks))
    labels: dict[str, object] = {"act0": "relu", "act1": "relu", "act2": "relu", "act3": "tanh"}
    p = {f"act{i}": [0.5 + i / 10, 0.5 - i / 10] for i in range(4)}
    _, first, _, _, last, *_ = rows(overview, labels, **p)
    assert (first.times, first.name) == (3, "0 \N{HORIZONTAL ELLIPSIS} 2")
    assert min(c.probability for c in first.chips if c.probability is not None) == 0.5
    assert (last.times, last.name) == (1, "3")


def test_modules_without_a_choice_share_a_row() -> None:
    plain = tuple(Node(name, "Conv2d") for name in "abc")
    root = Node("", "Net", children=(*plain, choice("d", "act")))
    _, together, *_ = rows(Overview({"act": OPS}, root), {})
    assert all(f"{name} Conv2d" in together.kind for name in "abc")


def test_a_single_module_within_another_is_one_row() -> None:
    inner = Node("layers", "Encoder", children=(choice("0", "act"), choice("1", "act")))
    head, *_ = rows(Overview({"act": OPS}, Node("", "Model", children=(inner,))), {})
    assert (head.name, head.kind) == ("layers", "Encoder")


def test_a_width_says_its_number_and_shows_its_choices_once() -> None:
    layers = tuple(
        Node(str(i), "Linear", widths={"out_features": (Term(2, "width"), Term(80))})
        for i in range(2)
    )
    overview = Overview({"width": (2, 8)}, Node("", "Net", children=layers))
    _, first, width, second = rows(overview, {"width": 8})
    assert first.kind == second.kind == "Linear, out_features = 2 * width + 80 = 96"
    assert (width.name, chosen(width)) == ("width", ["8"])


def test_many_categories_and_many_rows_are_bounded() -> None:
    overview = Overview(
        {"n": tuple(range(1000)), **{f"c{i}": OPS for i in range(3000)}},
        Node(
            "",
            "Net",
            children=(
                Node("n", "Value", variable="n"),
                *(choice(str(i), f"c{i}") for i in range(3000)),
            ),
        ),
    )
    labels = {"n": 777, **{f"c{i}": OPS[i % 2] for i in range(3000)}}
    shown, left_out = rows_of(overview, taken_of(overview, labels))
    assert len(shown) == MOST_ROWS and left_out == 1 + 1 + 3 * 3000 - MOST_ROWS
    assert all(row.below < MOST_ROWS - i for i, row in enumerate(shown))
    value = shown[1]
    assert len(value.chips) == MOST_CHIPS + 1 and "777" in chosen(value)
    assert value.chips[-1].label == "992 more"
