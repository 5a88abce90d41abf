#!/bin/sh
# Installs the explorer as an image has it: sh deploy/install.sh VENV WHEEL cpu|gpu|any. The Dockerfile and .ci/run run it.
#
# TORCH_INDEX: an index with PyTorch's CPU wheels; the page "Start locally" of pytorch.org shows its address.
# WHEELS: a folder that has the wheels of torch and torchvision instead. Without either the usual index is asked.
set -eu
venv=$1 wheel=$2 variant=$3
folder=$(cd "$(dirname "$0")/.." && pwd)
pins=$folder/requirements.txt

python3 -m venv "$venv"
pip="$venv/bin/python -m pip --disable-pip-version-check"
# torch and torchvision are a pair: both from the same place, before all that needs them.
pair=$(grep -E '^(torch|torchvision)==' "$pins")
$pip install --no-compile ${WHEELS:+--find-links "$WHEELS"} ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} $pair
$pip install --no-compile --constraint "$pins" "$wheel"

"$venv/bin/python" - "$variant" <<'CHECK'
import sys
from importlib.metadata import version
import torch
built_for = "gpu" if torch.version.cuda else "cpu"
try:
    import torchvision
    torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
except RuntimeError as exc:
    sys.exit(f"torch {torch.__version__} and torchvision {version('torchvision')} are no pair: {exc}")
if sys.argv[1] not in ("any", built_for):
    sys.exit(
        f"These wheels of torch ({torch.__version__}) are for the {built_for.upper()}. For a CPU image name an index of "
        "PyTorch's CPU wheels (TORCH_INDEX) or a folder with them; docs/serving.md says how."
    )
CHECK

# What nobody runs: pip itself, PyTorch's headers, tools and tests, and other packages' tests.
if [ "$variant" != any ]; then
    site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    $pip uninstall --yes --quiet setuptools pip
    rm -rf "$site/torch/include" "$site/torch/test" "$site/torch/share" "$site/pyarrow/include" "$site/pyarrow/tests"
    find "$site/torch/bin" -type f ! -name 'torch_shm_manager' -delete
    for package in matplotlib networkx numpy pandas scipy skimage sympy; do
        find "$site/$package" -type d -name tests -prune -exec rm -rf {} +
    done
fi

# Every page once: it works, and what it imports is compiled, which nobody can do later on a read-only file system.
"$venv/bin/python" - <<'PAGES'
import sys
from streamlit.testing.v1 import AppTest
from mixer_viz.paths import app_folder
for page in sorted((app_folder() / "pages").glob("*.py")):
    app = AppTest.from_file(str(app_folder() / "app.py"), default_timeout=600)
    if page.stem != "overview":
        app.switch_page(f"pages/{page.name}")
    app.run()
    if app.exception or app.error:
        sys.exit(f"{page.name} does not work: {[each.value for each in [*app.exception, *app.error]]}")
PAGES
"$venv/bin/mixer-explorer" --version
