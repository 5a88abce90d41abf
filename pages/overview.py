"""Overview: the whole way of one picture, from pixels to classes."""

import streamlit as st

from mixer_viz.ui.chart import show_chart
from mixer_viz.ui.router import require_router

require_router()

from mixer_viz.figures import overview as figures
from mixer_viz.figures.photo import photo_grid
from mixer_viz.model.costs import costs
from mixer_viz.ui import cached, exports, formulas
from mixer_viz.ui.errors import guarded
from mixer_viz.ui.grid_panel import show_grids
from mixer_viz.ui.selection import option_buttons, select_token, token_field
from mixer_viz.ui.shell import current_choice

choice = current_choice()
config = choice.model.config
result = cached.overview_of(choice)
stages = [
    figures.stage_label(stage.name, ratio) for stage, ratio in zip(result.stages, result.branch_ratio, strict=True)
]
class_names = [choice.model.class_name(index) for index in result.top_classes.tolist()]


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
        chart = figures.top_classes_chart(class_names, result.top_probabilities)
        best = f"{class_names[0]}, {100 * result.top_probabilities[0]:.1f} percent"
        show_chart(chart, key="classes", alt=f"Most probable class: {best}.")
        st.caption(formulas.known_classes(config))
    with way:
        token = token_field(config)
        crop = cached.crop_of(choice)
        grids = [
            photo_grid(*cached.preview_of(choice), config.image_size),
            figures.patch_grid(crop, config.grid_size, width=185),
            figures.token_matrix(result.embedding, width=205),
        ]
        hint = "Click a patch, or use the arrow keys: its token is marked everywhere."
        show_grids(grids, key="front", selected=token, on_pick=select_token, hint=hint)
    st.page_link("pages/patches.py", label="Look closer: patch tokenization", icon=":material/arrow_forward:")


def blocks() -> None:
    """One small picture after every half-block."""
    st.subheader(f"Through {config.num_blocks} blocks")
    st.markdown(formulas.block_shapes(config))
    # Links hold what the buttons say.
    shown = option_buttons("Pictures show", ["Likeness", "Length"], "show")
    by_colour = shown == "Likeness"
    names = [stage.name for stage in result.stages]
    grids = figures.stage_grids(stages, names, result.token_norm, result.colours if by_colour else None)
    hint = "Hover: the same token is marked in every picture."
    show_grids(grids, key="stages", on_pick=select_token, hint=hint, stacks=[1] + [2] * config.num_blocks)
    st.caption(formulas.colours_caption(result.explained_variance.tolist()) if by_colour else formulas.LENGTH_CAPTION)


def end() -> None:
    """Pooled vector and classifier."""
    st.subheader("One vector, then the classes")
    shape = f"C = {config.embed_dim}: the mean of all {config.num_patches} tokens after the last LayerNorm"
    show_grids([figures.vector_strip(result.pooled, title="Pooled vector", shape=shape, scale="pooled")], key="pooled")
    st.caption(
        f"One linear layer makes {config.num_classes:,} logits of these {config.embed_dim} numbers; softmax follows."
    )


st.title("From picture to class")
st.markdown(formulas.mixer_in_words(config))
if choice.picture.expected:
    st.info(choice.picture.expected)
way()
end()
with st.expander("In the formula"):
    st.markdown(formulas.mixer_equation(config))
    st.table(formulas.cost_table(costs(config)))
with st.expander("What these pictures do not prove"):
    st.markdown(formulas.OVERVIEW_LIMITS)
exports.download_row(
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
    lambda: exports.csv_bytes(
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
