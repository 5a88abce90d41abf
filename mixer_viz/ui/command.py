"""`mixer-explorer` and `python -m mixer_viz`: the app, started from any folder."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from mixer_viz import __version__
from mixer_viz.paths import app_folder

_OPTIONS = (
    "Every option of `streamlit run` can be given, for example --server.port 8600, --server.address 127.0.0.1 or "
    "--server.headless true; `streamlit run --help` lists them. Options win over the settings that the app brings, and "
    "those over your own .streamlit/config.toml."
)


def main(arguments: Sequence[str] | None = None, name: str = "mixer-explorer") -> None:
    """Start the app and serve it until Ctrl-C; `name` is what the user typed, for --help and --version."""
    parser = argparse.ArgumentParser(
        prog=name,
        usage="%(prog)s [--help] [--version] [options of `streamlit run`]",
        description="Start the Mixer explorer and open it in the browser.",
        epilog=_OPTIONS,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"Mixer explorer {__version__}")
    _, options = parser.parse_known_args(arguments)
    # Streamlit's own command, not st.App().run(): that one leaves out environment variables such as
    # STREAMLIT_SERVER_PORT and opens no browser. The config.toml beside app.py is read because app.py is what it runs.
    from streamlit.web.cli import main as streamlit

    from mixer_viz.ui.headers import add_headers

    try:
        add_headers()
    except ValueError as exc:
        parser.error(str(exc))
    streamlit(["run", str(app_folder() / "app.py"), *options], prog_name="streamlit")
