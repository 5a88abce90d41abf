"""Router of the Mixer explorer: the list of pages, the shared sidebar, then the chosen page."""

import logging

import streamlit as st

from mixer_viz.language import mark, tr
from mixer_viz.paths import app_folder
from mixer_viz.ui.language import begin_language
from mixer_viz.ui.teaching.screen import begin_screen

st.set_page_config(
    page_title="Mixer explorer",
    page_icon=app_folder() / "assets" / "icon.png",
    layout="wide",
    initial_sidebar_state="collapsed" if "lesson" in st.query_params else "auto",  # its panel needs the room
)
begin_language()
begin_screen()
TITLES = {
    "overview": mark("Overview"),
    "patches": mark("Patch tokenization"),
    "token_mixing": mark("Learned token-mixing weights"),
    "activations": mark("Activations, layer by layer"),
    "attribution": mark("Attributions"),
    "compared": mark("Token mixers compared"),
    "learning": mark("Watch it learn"),
    "lessons": mark("Lessons"),
}
pages = {
    name: st.Page(f"pages/{name}.py", title=tr(title), url_path=name, default=name == "overview")
    for name, title in TITLES.items()
}
page = st.navigation(list(pages.values()))
title = next(TITLES[name] for name, each in pages.items() if each == page)  # in English, as logs and links have it
# PyTorch takes seconds to import, once per start: the page's frame is there before it.
try:
    with st.spinner(tr("Starting PyTorch …")):
        from mixer_viz.ui.serving.address_space import require_address_space

        require_address_space()
        from mixer_viz.ui.serving.media_files import keep_files_while_offered

        keep_files_while_offered()
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
        tr(
            "PyTorch could not be started on the computer that runs this app: it has too little memory, or the "
            "installation is damaged. Its log has the details."
        )
    )
    st.stop()

open_link(title)
leave_other_pages(title)
draw_sidebar()
link_notes = steady_place()
with timed_page(title), one_sentence(), beside_lesson(page.url_path):
    with page_tools(title):
        page.run()
    glossary()
close_link(link_notes)
spare_from_collection(title)
collect_now_and_then()
