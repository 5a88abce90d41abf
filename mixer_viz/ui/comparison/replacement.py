"""Token mixing swapped at run time, on the page "Token mixers compared"."""

from __future__ import annotations

import dataclasses

import streamlit as st

from mixer_viz.figures.token_mixing.matrices import kernel_grid
from mixer_viz.language import mark, noted, tr
from mixer_viz.texts import replacement as texts
from mixer_viz.texts.from_files import literal_sentence
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.comparison import replacement_results
from mixer_viz.ui.comparison.downloads import replacement_downloads
from mixer_viz.ui.comparison.replacement_results import ReplacementChoice
from mixer_viz.ui.compute import cached
from mixer_viz.ui.compute.jobs import job_table, wait_shortly
from mixer_viz.ui.compute.visitors import visitor_name
from mixer_viz.ui.compute.waiting import Wait, failed_note, is_stopped, stopped_note, waiting
from mixer_viz.ui.grid_panel import show_grids
from mixer_viz.ui.widgets.before_after import show_before_after
from mixer_viz.ui.widgets.contents import folded, section
from mixer_viz.ui.widgets.folder import labelled_folder
from mixer_viz.ui.widgets.selection import option_buttons, pick_many, pick_number, pick_one

_QUICK = 1.0  # seconds that the page waits before it shows a bar


def replacing(choice: Choice) -> None:
    """Fields, answers with and without, how good the stand-ins are, and accuracy on a visitor's folder."""
    st.markdown(texts.replacing_in_words(choice.model.shown_title))
    asked = _fields(choice)
    if not asked.blocks:
        st.info(tr("Choose at least one block."))
        return
    before = cached.answer_of(choice)
    after, here = replacement_results.replaced_of(choice, asked)
    show_before_after(choice, before, after, texts.swapped_in_words(asked.kind, asked.blocks))
    section(noted("How good the stand-ins are"))
    replacements = replacement_results.replacements_of(choice.model, asked)
    st.table(texts.replacement_table(replacements, here))
    st.caption(tr(texts.EXPLAINED_NOTE))
    with folded(noted("What the stand-ins are")):
        st.markdown(tr(texts.STAND_INS))
    kernels = [
        dataclasses.replace(
            kernel_grid(each.kernel, each.explained, width=170), title=tr("Block {block}", block=block + 1)
        )
        for block, each in replacements.items()
        if each.kernel is not None
    ]
    if kernels:
        show_grids(kernels, key="swap-kernels", marks="unit", hint=tr("Hover reads each weight."))
    replacement_downloads(choice, asked)
    _accuracy(choice, asked)


def _fields(choice: Choice) -> ReplacementChoice:
    config = choice.model.config
    kinds = {name: kind for kind, name in texts.KIND_NAMES.items()}
    blocks = [str(number) for number in range(1, config.num_blocks + 1)]
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        kind = kinds[option_buttons(tr("In place of token mixing"), kinds, "swap_kind")]
        size, seed = 3, 0
        if kind == "convolution":
            sides = {f"{side} × {side}": side for side in range(1, 2 * max(config.grid_shape), 2)}
            size = sides[
                pick_one(
                    tr("Kernel"), {name: str(side) for name, side in sides.items()}, "swap_kernel", "3 × 3", width=160
                )
            ]
        if kind == "random":
            seed = pick_number(tr("Seed"), 0, 2**31, 0, "swap_seed", width=160)
    chosen = pick_many(tr("Blocks"), blocks, "swap_blocks", [blocks[len(blocks) // 2]])
    return ReplacementChoice(kind, tuple(sorted(int(block) - 1 for block in chosen)), size, seed)


def _accuracy(choice: Choice, asked: ReplacementChoice) -> None:
    """Right answers in a visitor's own labelled pictures."""
    section(noted("Accuracy on your labelled pictures"))
    st.markdown(texts.folder_in_words(choice.model.config))
    folder = labelled_folder(choice.model.config)
    if folder is None:
        job_table().leave_all_but([], visitor_name())
        return
    labelled = replacement_results.labelled_of(choice.model, folder)
    if labelled.left_out:
        st.caption(literal_sentence(labelled.left_out))
    key = replacement_results.accuracy_key(choice.model, asked, folder.key)
    job_table().leave_all_but([key], visitor_name())
    if is_stopped(key):
        stopped_note(tr("Accuracy"), [key], "accuracy")
        return
    job = replacement_results.accuracy_job(choice.model, asked, folder.key, labelled)
    wait_shortly([job], _QUICK)
    if not job.future.done() or job.stopped:
        waiting([Wait(tr("Accuracy"), [(key, job)], unit=mark("pictures"))], "accuracy")
    elif job.future.exception() is not None:
        failed_note(tr("Accuracy"), [(key, job)], "accuracy")
    else:
        st.markdown(texts.accuracy_sentence(job.future.result()))
