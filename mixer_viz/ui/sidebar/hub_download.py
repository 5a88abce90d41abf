"""Fetch a published checkpoint while the page shows how far it is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait

import streamlit as st

from mixer_viz.checkpoints.hub import fetch_weights, published_model
from mixer_viz.language import tr

_POLL_SECONDS = 0.2


def download_weights(name: str) -> None:
    """Bring a published model onto the disk, with a progress bar; raises CheckpointError as the loader does."""
    model = published_model(name)
    if model is None:
        return
    done = {"bytes": 0, "total": 0}

    def report(received: int, total: int) -> None:
        # Called from the client's threads, which know nothing of this page: the loop below draws.
        done.update(bytes=received, total=total)

    bar = st.progress(0.0, text=tr("Asking the Hugging Face Hub for {name} …", name=name))
    try:
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(fetch_weights, model, report)
            while wait([future], timeout=_POLL_SECONDS).not_done:
                if done["total"]:
                    share = min(1.0, done["bytes"] / done["total"])
                    size = done["total"] / 1e6
                    words = tr("Downloading {name}: {share:.0%} of {size:.0f} MB", name=name, share=share, size=size)
                    bar.progress(share, text=words)
            future.result()
    finally:
        bar.empty()
