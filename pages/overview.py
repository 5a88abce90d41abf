"""Overview: the whole way of one picture, from pixels to classes."""

import dataclasses

import streamlit as st

from mixer_viz.ui.router import require_router

require_router()

from mixer_viz.figures import common
from mixer_viz.figures import overview as figures
from mixer_viz.figures.grid import Grid
from mixer_viz.figures.photo import photo_grid
from mixer_viz.language import mark, noted, tr
from mixer_viz.model.costs import costs
from mixer_viz.texts import overview as texts
from mixer_viz.texts.glossary import explained
from mixer_viz.ui import survey
from mixer_viz.ui.beside import pick_beside, show_beside
from mixer_viz.ui.block_player import one_block_slowly
from mixer_viz.ui.compute import cached
from mixer_viz.ui.grid_panel import show_chart, show_grids
from mixer_viz.ui.overview import overview_downloads, overview_of, side_by_side, stage_labels
from mixer_viz.ui.sidebar.shell import current_choice
from mixer_viz.ui.widgets.contents import contents, folded, section
from mixer_viz.ui.widgets.errors import guarded
from mixer_viz.ui.widgets.selection import option_buttons, select_token, token_field

choice = current_choice()
config = choice.model.config
result = overview_of(choice)
THROUGH = noted("Through {count} blocks", count=config.num_blocks)
SLOWLY, ONE_VECTOR = noted("One block, slowly"), noted("One vector, then the classes")
LIKENESS, LENGTH = mark("Likeness"), mark("Length")
class_names = [choice.model.class_name(index) for index in result.top_classes.tolist()]
classes_shown = choice.model.known_classes_shown(choice.picture)
shown_names = [choice.model.shown_class_name(index) for index in result.top_classes.tolist()]


@st.fragment
@guarded
def way() -> None:
    """All that follows the selected patch."""
    token = front()
    blocks()
    one_block_slowly(choice, token)


def front() -> int:
    """Picture, patches, tokens, blocks, mean, answer: the first screen."""
    way, answer = st.columns([3.6, 1], gap="small")
    fields = st.container(horizontal=True, gap="medium", vertical_alignment="bottom")
    with fields:
        token, beside = token_field(config), pick_beside(choice)
        st.page_link("pages/patches.py", label=tr("Look closer: patch tokenization"), icon=":material/arrow_forward:")
        st.page_link("pages/lessons.py", label=tr("New here? Take a lesson"), icon=":material/school:")
    with way:
        grids = [
            photo_grid(*cached.preview_of(choice), config.image_shape),
            common.patch_grid(cached.crop_of(choice), config.grid_shape, width=185),
            common.token_matrix(result.embedding, width=185),
            dataclasses.replace(
                small_maps(True)[-1],
                title=tr("{count} blocks", count=config.num_blocks),
                shape=tr("as colours"),
                width=160,
            ),
            common.pooled_column(result.pooled, width=45),
        ]
        hint = tr("Click a patch, or use the arrow keys: its token is marked everywhere.")
        grids = [dataclasses.replace(grid, two_lines=True) for grid in grids]
        show_grids(grids, key="front", selected=token, on_pick=select_token, hint=hint, layout="flow")
    with answer:
        answers()
    if told := texts.what_it_shows(classes_shown, class_names[0]):
        st.markdown(told)
    how_sure()
    show_beside(choice, beside, lambda other: side_by_side(choice, other))
    return token


def answers() -> None:
    """The most probable classes."""
    st.markdown(tr("**Answer**"))
    chart = figures.top_classes_chart(shown_names, result.top_probabilities)
    show_chart(chart, key="classes", alt=texts.most_probable(class_names[0], result.top_probabilities[0]))


def how_sure() -> None:
    """What the percentages are worth."""
    sure = texts.how_sure(result.confidence, config.usual_confidence, classes_shown)
    known = texts.known_classes(config)
    st.container(key="how-sure").caption(tr("{sentence} {next}", sentence=sure, next=known) if sure else known)


def small_maps(by_colour: bool) -> list[Grid]:
    """The tokens after every half-block, as colours or by their lengths."""
    names = [stage.name for stage in result.stages]
    return common.stage_grids(stage_labels(choice), names, result.token_norm, result.colours if by_colour else None)


def blocks() -> None:
    """One small picture after every half-block."""
    section(THROUGH)
    st.markdown(
        texts.block_shapes(config), help=explained("Block", "Token mixing", "Channel mixing", "Skip connection")
    )
    by_colour = option_buttons(tr("Pictures show"), {LIKENESS: "likeness", LENGTH: "length"}, "show") == LIKENESS
    show_grids(
        small_maps(by_colour),
        key="stages",
        on_pick=select_token,
        hint=tr("Hover: the same token is marked in every picture."),
        stacks=[1] + [2] * config.num_blocks,
        layout="wall",
        columns=common.wall_columns(config.num_blocks),
    )
    st.caption(texts.colours_caption(result.explained_variance.tolist()) if by_colour else texts.length_caption())


def end() -> None:
    """Pooled vector and classifier."""
    section(ONE_VECTOR, help=explained("Pooling", "Head", "Logit", "Softmax"))
    strip = common.vector_strip(
        result.pooled, title=tr("Pooled vector"), shape=texts.pooled_shape(config), scale="pooled"
    )
    show_grids([strip], key="pooled")
    st.caption(texts.last_layer(config))


st.title(tr("From picture to class"))
st.markdown(texts.mixer_in_words(config), help=explained("Patch", "Token", "Channel"))
contents(THROUGH, SLOWLY, ONE_VECTOR)
if choice.picture.expected:
    st.info(choice.picture.expected)
way()
end()
survey.confusions(choice.model)
with folded(noted("In the formula")):
    st.markdown(texts.mixer_equation(config))
    st.table(texts.cost_table(costs(config)))
with folded(noted("What these pictures do not prove")):
    st.markdown(tr(texts.LIMITS))
overview_downloads(choice)
