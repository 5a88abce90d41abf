"""Router of the Mixer explorer: the list of pages, the shared sidebar, then the chosen page."""

import logging

import streamlit as st

from mixer_viz.paths import app_folder
from mixer_viz.ui.teaching.screen import begin_screen

st.set_page_config(
    page_title="Mixer explorer",
    page_icon=app_folder() / "assets" / "icon.png",
    layout="wide",
    initial_sidebar_state="collapsed" if "lesson" in st.query_params else "auto",  # its panel needs the room
)
begin_screen()
page = st.navigation(
    [
        st.Page("pages/overview.py", title="Overview", default=True),
        st.Page("pages/patches.py", title="Patch tokenization", url_path="patches"),
        st.Page("pages/token_mixing.py", title="Learned token-mixing weights", url_path="token_mixing"),
        st.Page("pages/activations.py", title="Activations, layer by layer", url_path="activations"),
        st.Page("pages/attribution.py", title="Attributions", url_path="attribution"),
        st.Page("pages/compared.py", title="Token mixers compared", url_path="compared"),
        st.Page("pages/learning.py", title="Watch it learn", url_path="learning"),
        st.Page("pages/lessons.py", title="Lessons", url_path="lessons"),
    ]
)
# PyTorch takes seconds to import, once per start: the page's frame is there before it.
try:
    with st.spinner("Starting PyTorch …"):
        from mixer_viz.ui.serving.address_space import require_address_space

        require_address_space()
        from mixer_viz.ui.compute.waiting import leave_other_pages, timed_page
        from mixer_viz.ui.lessons.beside import beside_lesson
        from mixer_viz.ui.sidebar.shell import collect_now_and_then, draw_sidebar, spare_from_collection
        from mixer_viz.ui.teaching.tools import page_tools
        from mixer_viz.ui.widgets.contents import glossary
        from mixer_viz.ui.widgets.errors import one_sentence
        from mixer_viz.ui.widgets.links import close_link, open_link
        from mixer_viz.ui.widgets.selection import steady_place
except (ImportError, OSError, MemoryError, RuntimeError):  # each of them when libraries do not fit into the memory
    logging.getLogger("mixer_viz").exception("the libraries could not be loaded")
    st.error(
        "PyTorch could not be started on the computer that runs this app: it has too little memory, or the "
        "installation is damaged. Its log has the details."
    )
    st.stop()

open_link(page.title)
leave_other_pages(page.title)
draw_sidebar()
link_notes = steady_place()
with timed_page(page.title), one_sentence(), beside_lesson(page.url_path):
    with page_tools(page.title):
        page.run()
    glossary()
close_link(link_notes)
spare_from_collection(page.title)
collect_now_and_then()
