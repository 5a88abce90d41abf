"""The messages of a run become the tree that they draw, and a lesson's marks are found in it."""

from __future__ import annotations

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from mixer_viz.ui.teaching.lesson_hand_out import marked_in
from mixer_viz.ui.teaching.tree import Node, tree_of


def element(path: list[int], kind: str, **fields: str) -> ForwardMsg:
    message = ForwardMsg()
    message.metadata.delta_path.extend(path)
    made = getattr(message.delta.new_element, kind)
    made.SetInParent()
    for name, value in fields.items():
        setattr(made, name, value)
    return message


def block(path: list[int], kind: str) -> ForwardMsg:
    message = ForwardMsg()
    message.metadata.delta_path.extend(path)
    getattr(message.delta.add_block, kind).SetInParent()
    return message


def keyed(key: str) -> str:
    return f"$$ID-0123456789abcdef0123456789abcdef-{key}"


MESSAGES = [
    element([1, 0], "selectbox", id=keyed("model")),
    element([0, 0], "heading", tag="h1", body="Title"),
    element([0, 1], "number_input", id=keyed("token")),
    block([0, 2], "flex_container"),
    block([0, 2, 0], "column"),
    block([0, 2, 1], "column"),
    element([0, 2, 1, 0], "plotly_chart", id=keyed("right")),
    element([0, 2, 0, 0], "bidi_component", id=keyed("left")),
    element([0, 3], "markdown", body="before"),
    element([0, 3], "markdown", body="after"),
]


def kinds(nodes: list[Node]) -> list[str]:
    return [each.kind for each in nodes]


def test_order_is_that_of_the_page_and_the_last_word_counts() -> None:
    tree = tree_of(MESSAGES)
    assert kinds(tree.inside()) == ["heading", "number_input", "flex_container", "markdown"]
    assert kinds(tree.inside()[2].inside()[0].inside()) == ["bidi_component"]
    last = tree.inside()[-1].element
    assert last is not None
    assert last.markdown.body == "after"
    assert tree.find("model") is None
    assert kinds(tree_of(MESSAGES, root=1).inside()) == ["selectbox"]


def test_spinners_leave_what_is_there() -> None:
    spinner = ForwardMsg()
    spinner.metadata.delta_path.extend([0, 1])
    spinner.delta.new_transient.SetInParent()
    assert tree_of([*MESSAGES, spinner]).find("token") is not None


def test_a_page_in_columns_is_found_by_its_title() -> None:
    inside = [block([0, 0], "flex_container"), block([0, 0, 0], "column"), block([0, 0, 1], "column")]
    inside.append(element([0, 0, 1, 0], "heading", tag="h1", body="Title"))
    page = tree_of(inside).page()
    assert page is not None
    assert kinds(page.inside()) == ["heading"]
    assert Node().page() is None


def test_a_mark_that_shows_something_stands_alone_and_a_field_brings_its_picture() -> None:
    tree = tree_of(MESSAGES)
    assert kinds(marked_in(tree, ["left", "right"])) == ["bidi_component", "plotly_chart"]
    assert kinds(marked_in(tree, ["token"])) == ["number_input", "flex_container"]
    assert marked_in(tree, ["nothing"]) == []
