"""Elements of a page as HTML of a file: one function for each kind; what only works in the app is left out."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df
from streamlit.proto.Block_pb2 import Block
from streamlit.proto.Element_pb2 import Element
from streamlit.runtime import Runtime
from streamlit.runtime.state.common import user_key_from_element_id

from mixer_viz.language import tr
from mixer_viz.texts.teaching import report as texts
from mixer_viz.ui.teaching.charts import chart_html
from mixer_viz.ui.teaching.grids import panel_html
from mixer_viz.ui.teaching.markdown import anchor_of, to_html, to_inline_html
from mixer_viz.ui.teaching.player import player_panel
from mixer_viz.ui.teaching.screen import OWN
from mixer_viz.ui.teaching.tree import Node

_MOST_CELLS = 4_000  # of a table
_TAGS = {"h1": "h1", "h2": "h2", "h3": "h3"}
_FIELDS = {"selectbox", "number_input", "slider", "multiselect", "radio", "button_group", "checkbox", "file_uploader"}
Values = Mapping[str, Any]  # of fields, by their keys


class Page:
    """One page on its way into a file."""

    def __init__(self, values: Values, selected: Mapping[str, int]) -> None:
        """`values` are those of the page's fields; `selected` says which cell is marked, by what cells stand for."""
        self._values, self._selected = values, selected
        self.choices: dict[str, str] = {}  # label -> value, in words
        self.is_unfinished = False  # something was still being worked out
        self.has_charts = False
        self._write: dict[str, Callable[[Element], str]] = {
            "heading": self._heading,
            "markdown": self._markdown,
            "alert": lambda element: f'<div class="note">{to_html(element.alert.body)}</div>',
            "table": self._table,
            "plotly_chart": self._chart,
            "bidi_component": self._component,
            "imgs": self._images,
            "metric": lambda element: (
                f'<p class="metric">{to_inline_html(element.metric.label)} '
                f"<b>{to_inline_html(element.metric.body)}</b></p>"
            ),
            "progress": self._progress,
            **dict.fromkeys(_FIELDS - {"file_uploader"}, self._choice),
        }

    def html_of(self, node: Node) -> str:
        """A container with all that it holds, or one element."""
        if node.element is not None:
            write = self._write.get(node.kind)
            return write(node.element) if write else ""
        if node.kind in ("popover", "dialog") or (node.block is not None and f"-{OWN}" in node.block.id):
            return ""
        inside = "".join(self.html_of(each) for each in node.inside())
        if not inside or node.block is None:
            return inside
        if node.kind == "expandable" and not _has_fields_only(node):
            title = node.block.expandable.label
            return f"<section><h3>{to_inline_html(title)}</h3>{inside}</section>"
        if node.kind == "expandable":
            return ""
        if node.kind == "column":
            return f'<div class="column" style="flex:{node.block.column.weight:.3g} 1 0">{inside}</div>'
        is_row = node.kind == "flex_container" and (
            node.block.flex_container.direction == Block.FlexContainer.Direction.HORIZONTAL
        )
        return f'<div class="row">{inside}</div>' if is_row else inside

    def beside_each_other(self, nodes: Sequence[Node]) -> str:
        """Several parts of a page; panels of one picture each become one panel."""
        panels = [json.loads(each.element.bidi_component.json) for each in nodes if each.element and _is_panel(each)]
        if len(panels) < max(2, len(nodes)) or any(len(panel["grids"]) != 1 for panel in panels):
            return "".join(self.html_of(each) for each in nodes)
        grids = [panel["grids"][0] for panel in panels]
        selected = next((panel["selected"] for panel in panels if panel["selected"] is not None), None)
        joined = {**panels[0], "grids": grids, "stacks": [1] * len(grids)}
        return panel_html(joined, self._mark(panels[0]["marks"]) if selected is None else selected)

    def _heading(self, element: Element) -> str:
        heading = element.heading
        tag = _TAGS.get(heading.tag, "h3")
        name = html.escape(heading.anchor or anchor_of(heading.body), quote=True)
        place = f' id="{name}"' if name else ""
        return f"<{tag}{place}>{to_inline_html(heading.body)}</{tag}>"

    def _markdown(self, element: Element) -> str:
        made, kind = to_html(element.markdown.body), element.markdown.element_type
        return f'<div class="caption">{made}</div>' if kind == element.markdown.Type.CAPTION else made

    def _table(self, element: Element) -> str:
        frame = convert_arrow_bytes_to_pandas_df(element.table.arrow_data.data)
        has_names = frame.index.dtype == object or str(frame.index.dtype) in ("str", "string")
        head = ([""] if has_names else []) + [str(column) for column in frame.columns]
        rows = [
            ([str(name)] if has_names else []) + [str(cell) for cell in row]
            for name, row in zip(frame.index, frame.itertuples(index=False, name=None), strict=True)
        ][: _MOST_CELLS // max(1, len(head))]
        heads = "".join(f"<th>{to_inline_html(cell)}</th>" for cell in head)
        body = "".join("<tr>" + "".join(f"<td>{to_inline_html(cell)}</td>" for cell in row) + "</tr>" for row in rows)
        return f'<div class="wide"><table><tr>{heads}</tr>{body}</table></div>'

    def _chart(self, element: Element) -> str:
        self.has_charts = True
        return chart_html(element.plotly_chart.spec, element.plotly_chart.alt)

    def _component(self, element: Element) -> str:
        made = element.bidi_component
        if made.component_name.endswith("mixer_viz_grid_panel"):
            data = json.loads(made.json)
            return panel_html(data, data["selected"] if data["selected"] is not None else self._mark(data["marks"]))
        if made.component_name.endswith("mixer_viz_block_player"):
            return panel_html(player_panel(json.loads(made.json)), None)
        return ""

    def _mark(self, kind: str) -> int | None:
        """What the panels of this kind mark, of which only one on a page is told."""
        return self._selected.get(kind)

    def _images(self, element: Element) -> str:
        made = []
        for image in element.imgs.imgs:
            if (url := _media(image.url)) is not None:
                made.append(f'<figure><img src="{url}" alt="{html.escape(image.caption, quote=True)}"></figure>')
        return "".join(made)

    def _progress(self, element: Element) -> str:
        self.is_unfinished = True
        return f'<p class="caption">{to_inline_html(element.progress.text)}</p>'

    def _choice(self, element: Element) -> str:
        made = getattr(element, element.WhichOneof("type") or "")
        key = user_key_from_element_id(made.id)
        if not key or key.startswith(OWN) or key not in self._values:
            return ""
        value = self._values[key]
        if isinstance(value, bool):
            text = tr("on") if value else tr("off")
        else:  # options are messages
            text = tr(", ").join(tr(str(each)) for each in (value if isinstance(value, list | tuple) else [value]))
        self.choices[made.label] = text
        label, bold = to_inline_html(made.label), f"<b>{html.escape(text)}</b>"
        return f'<p class="choice">{texts.choice(label, bold)}</p>'


def _is_panel(node: Node) -> bool:
    return node.element is not None and node.element.bidi_component.component_name.endswith("mixer_viz_grid_panel")


def _has_fields_only(node: Node) -> bool:
    """Whether a folded part offers something to choose or to open, and shows nothing yet."""
    kinds = node.kinds()
    return bool(kinds & _FIELDS) and not kinds & {"bidi_component", "plotly_chart", "table", "imgs"}


def _media(url: str) -> str | None:
    """A picture that Streamlit serves, as a URL that carries its bytes; None where it is not there any more."""
    if not Runtime.exists():
        return None
    kind = {"png": "png", "jpg": "jpeg", "jpeg": "jpeg", "webp": "webp"}.get(url.rsplit(".", 1)[-1], "")
    if not kind or "/" not in url:
        return None
    try:
        file = Runtime.instance().media_file_mgr._storage.get_file(url.rsplit("/", 1)[-1])  # type: ignore[attr-defined]
    except Exception:  # whichever storage it is, a report without this picture is better than none
        return None
    return f"data:image/{kind};base64,{base64.b64encode(file.content).decode()}"
