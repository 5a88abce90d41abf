"""One block, slowly: what token mixing and channel mixing do to this picture, played in the browser."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from mixer_viz.analysis.block_steps import BlockSteps, block_steps
from mixer_viz.figures.block_player import player_payload
from mixer_viz.language import noted
from mixer_viz.texts.names.player_steps import player_words
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute.cached import trace_of
from mixer_viz.ui.compute.caching import kept
from mixer_viz.ui.teaching.restrictions import PAGES
from mixer_viz.ui.teaching.screen import restrictions
from mixer_viz.ui.widgets.contents import section
from mixer_viz.ui.widgets.selection import CHANNEL, block_field, channel_field

_FRONTEND = Path(__file__).parent / "frontend"
_component = st.components.v2.component(
    "mixer_viz_block_player",
    html='<div class="player"><button type="button"></button><input type="range"></div>'
    '<canvas role="img"></canvas><p class="said"></p><div class="steps"></div>',
    css=(_FRONTEND / "block_player.css").read_text(encoding="utf-8"),
    js=(_FRONTEND / "block_player.js").read_text(encoding="utf-8"),
)
_FOLLOWED = "_followed_step"  # session state: the step that was clicked, until its page is opened


@kept("result")
def _steps_of(choice: Choice, block: int, channel: int, token: int) -> BlockSteps:
    return block_steps(trace_of(choice), block, channel, token)


def one_block_slowly(choice: Choice, token: int) -> None:
    """The fields of block and channel, and the player; a click on a step opens the formula with its numbers."""
    config = choice.model.config
    section(noted("One block, slowly"))
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        block = block_field(config)
        channel = channel_field(config)
    steps = _steps_of(choice, block, channel, token)
    halves = [
        (half.lines, half.normed, half.hidden, half.branch) for half in (steps.token_mixing, steps.channel_mixing)
    ]
    data = player_payload([steps.before, steps.between, steps.after], halves)
    data["key"] = f"{choice.model.key} {choice.picture.key} {block} {channel} {token}"
    data["words"] = player_words(config, block)
    data["start"] = steps.token_mixing.lines.tolist().index(channel) + 0.45
    _component(key="block-player", data=data, on_follow_change=_follow)
    if followed := st.session_state.pop(_FOLLOWED, None):
        query = {"view": "formula", "block": str(block + 1), "token": str(token), CHANNEL: str(channel), **followed}
        st.switch_page("pages/activations.py", query_params=query)


def _follow() -> None:
    clicked = st.session_state["block-player"].get("follow")
    if PAGES in restrictions().hidden:
        return  # it leads to another page
    if isinstance(clicked, dict) and isinstance(clicked.get("line"), int):
        is_row = clicked.get("half") == 1
        st.session_state[_FOLLOWED] = {
            "number": "channel_mixing" if is_row else "token_mixing",
            "token" if is_row else CHANNEL: str(clicked["line"]),
        }
