"""Overview: the whole way of one picture, from pixels to classes."""

import streamlit as st

from mixer_viz.ui.router import require_router

require_router()

from mixer_viz.figures import common
from mixer_viz.figures import overview as figures
from mixer_viz.figures.photo import photo_grid
from mixer_viz.model.costs import costs
from mixer_viz.texts import overview as texts
from mixer_viz.ui.compute import cached
from mixer_viz.ui.grid_panel import show_chart, show_grids
from mixer_viz.ui.overview import overview_of
from mixer_viz.ui.sidebar.shell import current_choice
from mixer_viz.ui.widgets import downloads
from mixer_viz.ui.widgets.errors import guarded
from mixer_viz.ui.widgets.selection import option_buttons, select_token, token_field

choice = current_choice()
config = choice.model.config
result = overview_of(choice)
stages = [
    common.stage_label(stage.name, ratio) for stage, ratio in zip(result.stages, result.branch_ratio, strict=True)
]
class_names = [choice.model.class_name(index) for index in result.top_classes.tolist()]
shown_names = [choice.model.shown_class_name(index) for index in result.top_classes.tolist()]


@st.fragment
@guarded
def way() -> None:
    """All that follows the selected patch."""
    front()
    blocks()


def front() -> None:
    """Picture, patches, tokens, answer: the first screen."""
    way, answer = st.columns([3, 1.15], gap="medium")
    with answer:
        st.markdown("**Answer**")
        chart = figures.top_classes_chart(shown_names, result.top_probabilities)
        best = f"{class_names[0]}, {100 * result.top_probabilities[0]:.1f} percent"
        show_chart(chart, key="classes", alt=f"Most probable class: {best}.")
        if sure := texts.how_sure(result.confidence, config.usual_confidence):
            st.caption(sure)
        if told := texts.what_it_shows(choice.model.known_classes_shown(choice.picture), class_names[0]):
            st.markdown(told)
        st.caption(texts.known_classes(config))
    with way:
        token = token_field(config)
        crop = cached.crop_of(choice)
        grids = [
            photo_grid(*cached.preview_of(choice), config.image_shape),
            common.patch_grid(crop, config.grid_shape, width=185),
            common.token_matrix(result.embedding, width=205),
        ]
        hint = "Click a patch, or use the arrow keys: its token is marked everywhere."
        show_grids(grids, key="front", selected=token, on_pick=select_token, hint=hint)
    st.page_link("pages/patches.py", label="Look closer: patch tokenization", icon=":material/arrow_forward:")


def blocks() -> None:
    """One small picture after every half-block."""
    st.subheader(f"Through {config.num_blocks} blocks")
    st.markdown(texts.block_shapes(config))
    # Links hold what the buttons say.
    shown = option_buttons("Pictures show", ["Likeness", "Length"], "show")
    by_colour = shown == "Likeness"
    names = [stage.name for stage in result.stages]
    grids = common.stage_grids(stages, names, result.token_norm, result.colours if by_colour else None)
    hint = "Hover: the same token is marked in every picture."
    show_grids(grids, key="stages", on_pick=select_token, hint=hint, stacks=[1] + [2] * config.num_blocks)
    st.caption(texts.colours_caption(result.explained_variance.tolist()) if by_colour else texts.LENGTH_CAPTION)


def end() -> None:
    """Pooled vector and classifier."""
    st.subheader("One vector, then the classes")
    shape = f"C = {config.embed_dim}: the mean of all {config.num_patches} tokens after the last LayerNorm"
    show_grids([common.vector_strip(result.pooled, title="Pooled vector", shape=shape, scale="pooled")], key="pooled")
    st.caption(
        f"One linear layer makes {config.num_classes:,} logits of these {config.embed_dim} numbers; softmax follows."
    )


st.title("From picture to class")
st.markdown(texts.mixer_in_words(config))
if choice.picture.expected:
    st.info(choice.picture.expected)
way()
end()
with st.expander("In the formula"):
    st.markdown(texts.mixer_equation(config))
    st.table(texts.cost_table(costs(config)))
with st.expander("What these pictures do not prove"):
    st.markdown(texts.LIMITS)
downloads.download_row(
    "overview",
    lambda: figures.draw_overview(
        cached.crop_of(choice),
        result.embedding,
        stages,
        result.colours,
        class_names,
        result.top_probabilities,
        f"{choice.model.title}, picture: {choice.picture.title}",
    ),
    lambda: {
        "embedding": result.embedding,
        "token_norm": result.token_norm,
        "colours": result.colours,
        "pooled": result.pooled,
        "top_classes": result.top_classes,
        "top_logits": result.top_logits,
        "top_probabilities": result.top_probabilities,
    },
    lambda: downloads.csv_bytes(
        ["class", "name", "logit", "probability"],
        [
            [index, name, logit, probability]
            for index, name, logit, probability in zip(
                result.top_classes.tolist(),
                class_names,
                result.top_logits.tolist(),
                result.top_probabilities.tolist(),
                strict=True,
            )
        ],
    ),
)
