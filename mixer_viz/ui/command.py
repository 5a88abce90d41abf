"""`mixer-explorer` and `python -m mixer_viz`: the app, started from any folder."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from mixer_viz import __version__
from mixer_viz.paths import app_folder

_OPTIONS = (
    "Every option of `streamlit run` can be given, for example --server.port 8600, --server.address 127.0.0.1 or "
    "--server.headless true; `streamlit run --help` lists them. Options win over the settings that the app brings, and "
    "those over your own .streamlit/config.toml. `%(prog)s doctor` examines this computer instead. Environment "
    "variables that begin with MIXER_EXPLORER_ say what visitors may do; docs/serving.md has them all."
)


def main(arguments: Sequence[str] | None = None, name: str = "mixer-explorer") -> None:
    """Start the app and serve it until Ctrl-C; `name` is what the user typed, for --help and --version."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["doctor"]:
        from mixer_viz.ui.serving.doctor import main as doctor

        sys.exit(doctor(given[1:], f"{name} doctor"))
    parser = argparse.ArgumentParser(
        prog=name,
        usage="%(prog)s [--help] [--version] [options of `streamlit run`]\n       %(prog)s doctor [--help]",
        description="Start the Mixer explorer and open it in the browser.",
        epilog=_OPTIONS,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"Mixer explorer {__version__}")
    _, options = parser.parse_known_args(given)
    # Streamlit's own command, not st.App().run(): that one leaves out environment variables such as
    # STREAMLIT_SERVER_PORT and opens no browser. The config.toml beside app.py is read because app.py is what it runs.
    from streamlit.web.cli import main as streamlit

    try:
        bounds = prepare()
    except ValueError as exc:
        parser.error(str(exc))
    streamlit(["run", str(app_folder() / "app.py"), *bounds, *options], prog_name="streamlit")


def prepare() -> list[str]:
    """What the settings ask of the server before it starts; returns options for it.

    Raises SettingError for a setting that cannot be used.
    """
    from mixer_viz.ui.headers import add_headers
    from mixer_viz.ui.serving.logs import write_json_lines
    from mixer_viz.ui.serving.metrics import serve_metrics
    from mixer_viz.ui.serving.reconnecting import take_lost_visitors_in
    from mixer_viz.ui.serving.settings import MAX_UPLOAD_MIB, settings

    chosen = settings()
    add_headers()
    take_lost_visitors_in()
    if chosen.log == "json":
        write_json_lines()
    if chosen.metrics:
        serve_metrics(chosen.metrics)
    return [] if chosen.upload_mib == MAX_UPLOAD_MIB else ["--server.maxUploadSize", str(chosen.upload_mib)]
