"""The recorded messages of one run as the tree of containers and elements that they draw."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from streamlit.proto.Block_pb2 import Block
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.state.common import user_key_from_element_id


@dataclasses.dataclass
class Node:
    """One container or element; what came later at a place stands in it."""

    block: Block | None = None
    element: Element | None = None
    children: dict[int, Node] = dataclasses.field(default_factory=dict)

    @property
    def kind(self) -> str:
        """What it is, as Streamlit calls it."""
        return (self.block or self.element or Element()).WhichOneof("type") or ""

    def inside(self) -> list[Node]:
        """What it holds, from top to bottom."""
        return [self.children[place] for place in sorted(self.children)]

    @property
    def key(self) -> str:
        """The key that the page has given it; empty for none."""
        made = self.block if self.block is not None else getattr(self.element, self.kind, None) if self.kind else None
        return user_key_from_element_id(str(getattr(made, "id", ""))) or ""

    def find(self, key: str) -> Node | None:
        """What has this key, here or inside."""
        if self.key == key:
            return self
        return next((found for each in self.inside() if (found := each.find(key)) is not None), None)

    def kinds(self) -> set[str]:
        """All kinds of elements and containers inside of it, and its own."""
        return {self.kind}.union(*(each.kinds() for each in self.inside()))

    def is_title(self) -> bool:
        """Whether it is the title of a page."""
        return self.kind == "heading" and self.element is not None and self.element.heading.tag == "h1"

    def page(self) -> Node | None:
        """The container that the page's title stands in, and with it all of the page."""
        if any(each.is_title() for each in self.inside()):
            return self
        return next((found for each in self.inside() if (found := each.page()) is not None), None)

    def units(self) -> Iterator[Node]:
        """What it holds from top to bottom: elements, and columns beside each other as one."""
        for each in self.inside():
            if each.element is not None or any(inner.kind == "column" for inner in each.inside()):
                yield each
            else:
                yield from each.units()


def tree_of(messages: Sequence[ForwardMsg], root: int = 0) -> Node:
    """What one of the page's roots (0 is the page itself, 1 the sidebar) shows."""
    tree = Node()
    for message in messages:
        path, delta = tuple(message.metadata.delta_path), message.delta
        if not path or path[0] != root or len(path) < 2:
            continue
        home = tree
        for place in path[1:-1]:
            home = home.children.setdefault(place, Node())
        if delta.WhichOneof("type") == "new_transient":
            continue
        if delta.WhichOneof("type") == "add_block":
            home.children[path[-1]] = Node(block=delta.add_block)
        else:
            home.children[path[-1]] = Node(element=delta.new_element)
    return tree
