"""Learned token-mixing weights: every hidden unit of every block, what it does, and which patches talk to which."""

import streamlit as st

from mixer_viz.ui.router import require_router

require_router()

from mixer_viz.figures.token_mixing import maps as figures
from mixer_viz.figures.token_mixing.print import draw_atlas
from mixer_viz.language import noted, tr
from mixer_viz.texts import token_mixing as texts
from mixer_viz.texts.glossary import explained
from mixer_viz.ui.grid_panel import show_grids
from mixer_viz.ui.sidebar.shell import current_choice
from mixer_viz.ui.token_mixing import optimisers, other_networks, preferred, results, sections, survey
from mixer_viz.ui.token_mixing.atlas import pick_atlas
from mixer_viz.ui.token_mixing.downloads import unit_statistics, weight_arrays
from mixer_viz.ui.widgets import downloads
from mixer_viz.ui.widgets.contents import contents, folded, section
from mixer_viz.ui.widgets.errors import guarded
from mixer_viz.ui.widgets.selection import block_field, select_token, select_unit, token_field, unit_field

choice = current_choice()
config = choice.model.config


@st.fragment
@guarded
def units() -> None:
    """The atlas, and everything that follows the selected unit."""
    atlas = pick_atlas(choice, block)
    if atlas.missing:
        st.warning(atlas.missing)
    atlas_place = st.container()
    measures = results.units_of(choice.model, block)
    distinct = results.distinct_units(choice.model, block)
    st.caption(texts.block_summary(choice.model.shown_title, block, measures, distinct))
    unit = unit_field(config, results.most_opposed_unit(choice.model))
    with atlas_place:
        grids = [figures.atlas_grid(part, atlas.width, atlas.order_name == "Opposing pairs") for part in atlas.parts]
        hint = tr("Click a unit, or use the arrow keys: everything below follows.")
        show_grids(grids, key="atlas", selected=unit, on_pick=select_unit, hint=hint, marks="unit")
    sections.unit_maps(choice, block, unit)
    sections.unit_on_picture(choice, block, unit)
    preferred.what_it_wants(choice, block, unit)
    survey.on_many_pictures(choice, block, unit)
    downloads.download_row(
        "token-mixing",
        lambda: draw_atlas(atlas.parts, atlas.caption),
        lambda: weight_arrays(choice.model),
        lambda: unit_statistics(choice.model),
    )


@st.fragment
@guarded
def talk() -> None:
    """Which patches the selected one listens to, block by block."""
    section(noted("Who talks to whom"))
    st.markdown(
        tr("Click a patch: the maps show, for every block, what it reads from each patch and what each reads from it.")
    )
    token = token_field(config)
    listening = results.jacobian_rows_of(choice, token)
    grids = sections.jacobian_grids(choice, listening)
    count = config.num_blocks
    names = [tr("Block {block} of {count}", block=block, count=count) for block in range(1, count + 1)]
    show_grids(
        grids,
        key="talk",
        selected=token,
        on_pick=select_token,
        stacks=[1, 2, 2, 2],
        frames=names,
        frame=block,
        hint=tr("Click a patch of the picture."),
    )
    st.caption(texts.listening_note(config.num_blocks))
    survey.mean_listening(choice, token)
    sections.receptive_field(choice, token)
    survey.mean_field(choice)


st.title(tr("Learned token-mixing weights"))
words, number = st.columns([3, 1], vertical_alignment="bottom")
words.markdown(texts.units_in_words(config), help=explained("Token mixing", "MLP", "Hidden unit"))
with number:
    block = block_field(config, results.block_to_begin_with(choice.model))
contents(noted("Who talks to whom"), noted("Through the blocks"), noted("Is it a convolution?"))
units()
talk()
sections.through_depth(choice, block)
sections.convolution_meter(choice, block)
other_networks.other_networks()
optimisers.two_optimisers()
with folded(noted("In the formula")):
    st.markdown(texts.mixing_equation(config, block))
with folded(noted("What these pictures do not prove")):
    st.markdown(texts.limits())
following = tr("Next: what every layer does to the tokens")
st.page_link("pages/activations.py", label=following, icon=":material/arrow_forward:")
