"""Mixing matrices of other all-MLP networks: ResMLP and gMLP files have one S x S matrix instead of W1 and W2."""

from __future__ import annotations

import numpy as np
import streamlit as st

from mixer_viz.analysis.token_mixing.convolution import ConvolutionMeter, convolution_share
from mixer_viz.analysis.token_mixing.weights import grid_of
from mixer_viz.checkpoints import CheckpointError
from mixer_viz.checkpoints.mixing_matrices import MixingMatrices, read_mixing_matrices_bytes
from mixer_viz.figures.token_mixing import matrices as figures
from mixer_viz.language import mark, noted, tr
from mixer_viz.ui.choices import UploadedWeights
from mixer_viz.ui.compute.caching import kept
from mixer_viz.ui.compute.uploads import leave_room, take_room
from mixer_viz.ui.grid_panel import show_grids
from mixer_viz.ui.serving.settings import settings
from mixer_viz.ui.token_mixing.sections import show_meters
from mixer_viz.ui.widgets import downloads
from mixer_viz.ui.widgets.contents import folded
from mixer_viz.ui.widgets.errors import guarded

MAX_MB = 1024
_FILE = "mixing_file"


@kept("weights", mark("Reading the matrices …"))
def _read(name: str, file: UploadedWeights) -> tuple[MixingMatrices, tuple[ConvolutionMeter, ...]]:
    network = read_mixing_matrices_bytes(file.data, name)
    try:
        grid = grid_of(network.matrices.shape[1])
    except ValueError as exc:
        raise CheckpointError(noted("{error} Files of square pictures can be shown here.", error=exc)) from exc
    return network, tuple(convolution_share(matrix.astype(np.float64), grid) for matrix in network.matrices)


@st.fragment
@guarded
def other_networks() -> None:
    """Upload and show a ResMLP or gMLP file."""
    with folded(noted("The mixing matrices of a ResMLP or gMLP file")):
        st.caption(
            tr(
                "These relatives mix patches with one S × S matrix per block, without a hidden layer. Files in timm's "
                "naming are read; code inside a file is never run."
            )
        )
        most = settings().largest_mib(MAX_MB)
        file = st.file_uploader(tr("ResMLP or gMLP weights"), key=_FILE, max_upload_size=most)
        if file is None:
            leave_room("matrices")
            return
        take_room("matrices", file.size, file)
        network, meters = _read(file.name, UploadedWeights(file.name, file.getvalue()))
        _show(network, meters)


def _show(network: MixingMatrices, meters: tuple[ConvolutionMeter, ...]) -> None:
    count, tokens = network.matrices.shape[:2]
    st.markdown(
        tr(
            "**{kind}**: {count} blocks, S = {tokens} patches, so each matrix is {tokens} × {tokens}.",
            kind=network.kind,
            count=count,
            tokens=tokens,
        )
    )
    number: int = st.number_input(
        tr("Block of this file (1 to {last})", last=count), 1, count, 1, 1, key="mixing_file_block", width=240
    )
    matrix, meter = network.matrices[number - 1], meters[number - 1]
    show_grids(
        [figures.rows_grid(matrix, grid_of(tokens))], key="file-rows", hint=tr("Hover reads each weight."), marks="unit"
    )
    show_meters(meters, number - 1, key="file", matrix=tr("a mixing matrix $M$"))
    grids = figures.convolution_grids(matrix, meter.kernel, meter.residual, meter.explained)
    show_grids(grids, key="file-convolution", marks="unit")
    st.download_button(
        tr("Matrices as NPZ"),
        lambda: downloads.npz_bytes({"matrices": network.matrices, "biases": network.biases}),
        "mixing-matrices.npz",
        "application/octet-stream",
        on_click="ignore",
    )
