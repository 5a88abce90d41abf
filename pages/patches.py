"""Patch tokenization: how the picture becomes a matrix of tokens."""

import streamlit as st

from mixer_viz.ui.router import require_router

require_router()

from mixer_viz.analysis.patches import FilterOrder, filter_order
from mixer_viz.figures import common
from mixer_viz.figures import patches as figures
from mixer_viz.language import mark, noted, tr
from mixer_viz.model.costs import patch_size_options
from mixer_viz.texts import patches as texts
from mixer_viz.texts.glossary import explained
from mixer_viz.ui.beside import pick_beside, show_beside
from mixer_viz.ui.grid_panel import show_chart, show_grids
from mixer_viz.ui.patches import filters_of, filters_side_by_side, patch_downloads, tokens_of
from mixer_viz.ui.sidebar.shell import current_choice
from mixer_viz.ui.widgets.contents import contents, folded, section
from mixer_viz.ui.widgets.errors import guarded
from mixer_viz.ui.widgets.selection import option_buttons, select_token, token_field

choice = current_choice()
config = choice.model.config
result = tokens_of(choice)
filters = filters_of(choice.model)
tokenization, reconstruction = result.tokenization, result.reconstruction
ORDERS: dict[str, FilterOrder] = {
    mark("Frequency"): "frequency",
    mark("Length"): "norm",
    mark("Response to this patch"): "response",
    mark("Channel"): "index",
}
TO_A_TOKEN, FILTERS = noted("From pixels to a token"), noted("The learned patch-embedding filters")
ANOTHER_SIZE = noted("What if the patches had another size?")


@st.fragment
@guarded
def tokens() -> None:
    """Everything that follows the selected patch."""
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        token, beside = token_field(config), pick_beside(choice)
    patch(token)
    st.markdown(texts.patch_position(config, token))
    vectors(token)
    learned_filters(token)
    show_beside(choice, beside, lambda other: filters_side_by_side(choice, other))
    patch_downloads(choice, token)


def patch(token: int) -> None:
    grids = [
        common.patch_grid(result.crop, config.grid_shape, title=tr("The crop, cut"), width=218),
        figures.patch_picture(result.cells[token], token),
        figures.similarity_grid(result.crop, tokenization.similarity[token], token),
        figures.rebuilt_grid(result.rebuilt_crop, reconstruction.patch_error, reconstruction.error),
    ]
    hint = tr("Click a patch, or use the arrow keys.")
    show_grids(grids, key="patch-panel", selected=token, on_pick=select_token, hint=hint)


def vectors(token: int) -> None:
    section(TO_A_TOKEN)
    strip = common.vector_strip(
        tokenization.embedding[token],
        title=tr("Token {token}, its embedding", token=token),
        shape=texts.embedding_shape(config.embed_dim, tokenization.norm[token]),
        scale="embedding",
    )
    vector = figures.patch_vector(tokenization.patches[token], result.cells[token], token)
    show_grids([vector, strip], key="vector-panel", hint=tr("Hover reads each number."))
    matrix = common.token_matrix(tokenization.embedding, title=tr("All tokens"), width=1000)
    show_grids([matrix], key="matrix-panel", on_pick=select_token, hint=tr("Click a row to select its patch."))


def learned_filters(token: int) -> None:
    section(FILTERS)
    order = option_buttons(tr("Sorted by"), ORDERS, "filters")
    # Without the response the picture is the same for every patch and travels once.
    response = tokenization.embedding[token] - filters.bias if ORDERS[order] == "response" else None
    picked = filter_order(filters, ORDERS[order], response)
    grid = figures.filter_grid(filters.values, picked, filters.norm, filters.frequency, response)
    show_grids([grid], key="filter-panel")
    st.markdown(texts.rebuilding(reconstruction.rank, reconstruction.patch_dim, config.embed_dim, reconstruction.error))


def patch_sizes() -> None:
    """What other patch sizes would cost, and why these weights cannot have them."""
    section(ANOTHER_SIZE)
    options = patch_size_options(config)
    chart = figures.patch_size_chart(
        [option.patch_size for option in options],
        [option.num_patches for option in options],
        [option.token_mixing_parameters for option in options],
        config.patch_size,
    )
    show_chart(chart, key="patch-sizes", alt=tr("Token-mixing parameters by patch size."))
    with st.container(key="patch-size-table"):
        st.table(texts.patch_size_table(options))
    st.markdown(texts.other_sizes(config))


st.title(tr("Patch tokenization"))
st.markdown(
    tr("The crop is cut into square patches; one linear layer, the same for every patch, makes a token of each."),
    help=explained("Patch", "Token", "Patch embedding"),
)
contents(TO_A_TOKEN, FILTERS, ANOTHER_SIZE)
if choice.picture.expected:
    st.info(choice.picture.expected)
tokens()
patch_sizes()
st.page_link("pages/token_mixing.py", label=tr("Next: which patches talk to which"), icon=":material/arrow_forward:")
with folded(noted("In the formula")):
    st.markdown(texts.embedding_equation(config))
with folded(noted("What these pictures do not prove")):
    st.markdown(tr(texts.LIMITS))
