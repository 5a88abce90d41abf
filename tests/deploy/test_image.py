"""The image as its Dockerfile tells it, and what it promises, tried without a container engine."""

from __future__ import annotations

import fnmatch
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dockerfile_parse import DockerfileParser

from mixer_viz.ui.serving.health import health_address
from mixer_viz.ui.serving.settings import read_settings

ROOT = Path(__file__).parents[2]
Instruction = tuple[str, str]
SECONDS = 180
# A mount namespace whose every file system is read-only but /tmp, and a network of its own that leads nowhere.
SEALED = """
set -eu
mount --make-rprivate /
mount -t tmpfs -o mode=1777 tmpfs /tmp
findmnt -rno TARGET -t notmpfs,noproc,nosysfs,nodevtmpfs,nocgroup2 | while read -r place; do
    mount -o remount,bind,ro "$place" 2>/dev/null || true
done
ip link set lo up
! touch {root}/written 2>/dev/null
"$1" -m mixer_viz &
server=$!
for _ in $(seq 600); do
    "$1" -m mixer_viz.ui.serving.health && break
    kill -0 $server
    sleep 0.2
done
"$1" -c 'import urllib.request as u; print(u.urlopen("http://127.0.0.1:8501/_stcore/script-health-check").status)'
kill $server
wait $server || true
ls -A /tmp
"""


@pytest.fixture(scope="module")
def stages() -> list[list[Instruction]]:
    """The instructions of each stage, its FROM first."""
    parser = DockerfileParser(fileobj=io.BytesIO((ROOT / "Dockerfile").read_bytes()))
    found: list[list[Instruction]] = [[]]
    for each in parser.structure:
        if each["instruction"] == "COMMENT":
            continue
        if each["instruction"] == "FROM":
            found.append([])
        found[-1].append((each["instruction"], each["value"]))
    return found


def values(stage: list[Instruction], name: str) -> list[str]:
    return [value for instruction, value in stage if instruction == name]


def environment(stage: list[Instruction]) -> dict[str, str]:
    return dict(part.split("=", 1) for value in values(stage, "ENV") for part in shlex.split(value))


def test_it_runs_as_nobody_in_particular_and_starts_the_app(stages: list[list[Instruction]]) -> None:
    last = stages[-1]
    assert values(last, "USER") == ["1000:1000"]
    instructions = [instruction for instruction, _ in last]
    assert instructions.index("USER") > max(index for index, name in enumerate(instructions) if name in ("RUN", "COPY"))
    assert json.loads(values(last, "ENTRYPOINT")[0]) == ["mixer-explorer"]
    assert values(last, "VOLUME") == ['["/var/cache/models"]']
    assert not any("pip" in run for run in values(last, "RUN"))  # what builds stays in the other stage
    assert any(value.startswith("--from=build /opt/explorer ") for value in values(last, "COPY"))


def test_what_it_says_to_the_app_can_be_used(stages: list[list[Instruction]]) -> None:
    given = environment(stages[-1])
    chosen = read_settings(given)
    assert chosen.public
    assert not chosen.downloads
    assert health_address(given) == "http://127.0.0.1:8501/_stcore/health"
    assert values(stages[-1], "EXPOSE") == [given["STREAMLIT_SERVER_PORT"]]
    written = {given[name] for name in ("HOME", "MPLCONFIGDIR", "HF_HOME")}
    assert written == {"/tmp", "/tmp/matplotlib", "/var/cache/models"}


def test_its_health_check_is_a_module_of_the_package(stages: list[list[Instruction]]) -> None:
    (check,) = values(stages[-1], "HEALTHCHECK")
    options, _, command = check.partition("CMD")
    assert {"--interval=10s", "--timeout=6s", "--start-period=60s", "--retries=3"} == set(options.split())
    assert json.loads(command) == ["python", "-m", "mixer_viz.ui.serving.health"]
    closed = {"STREAMLIT_SERVER_PORT": "1", "PATH": os.environ["PATH"]}
    done = subprocess.run([sys.executable, *json.loads(command)[1:]], cwd=ROOT, env=closed, check=False, timeout=60)
    assert done.returncode == 1


def test_every_base_has_a_version(stages: list[list[Instruction]]) -> None:
    (python,) = [value for value in values(stages[0], "ARG") if value.startswith("PYTHON=")]
    assert re.fullmatch(r"PYTHON=3\.\d+-slim-\w+", python)
    bases = [values(stage, "FROM")[0].split()[0] for stage in stages[1:]]
    assert bases == ["scratch", "python:${PYTHON}", "python:${PYTHON}"]


def test_wheels_come_from_where_the_builder_says(stages: list[list[Instruction]]) -> None:
    build = stages[2]
    assert {"VARIANT=cpu", 'TORCH_INDEX=""'} <= set(values(build, "ARG"))
    (install,) = [run for run in values(build, "RUN") if "deploy/install.sh" in run]
    assert 'TORCH_INDEX="${TORCH_INDEX}"' in install
    assert '"${VARIANT}"' in install
    for name in ("Dockerfile", "compose.yaml", "deploy/install.sh", "deploy/nginx.conf", ".dockerignore"):
        assert "://" not in (ROOT / name).read_text(encoding="utf-8").replace("http://$replica", ""), name


def test_what_the_build_needs_is_sent_to_it_and_nothing_else() -> None:
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert rules[0] == "*"
    sent = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    assert all((ROOT / name).exists() for name in sent)
    project = (ROOT / "pyproject.toml").read_text()
    wheel = re.search(r"targets\.wheel\]\nonly-include = \[(.*?)\]", project)
    assert wheel is not None
    needed = {*re.findall(r'"([^"]+)"', wheel[1]), "app.py", "README.md", "LICENSE", "pyproject.toml"}
    assert needed | {"requirements.txt", "deploy/install.sh"} <= sent
    assert not any(fnmatch.fnmatch(name, rule) for name in (".venv", "data", "runs", ".git", "tests") for rule in sent)


def test_the_install_steps_are_a_script_that_a_shell_reads() -> None:
    subprocess.run(["sh", "-n", str(ROOT / "deploy" / "install.sh")], check=True)
    assert "sh deploy/install.sh" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")  # and which the checks run


@pytest.mark.parametrize(
    ("cuda", "fits", "variant", "told"),
    [
        (None, True, "cpu", ""),
        ("13.0", True, "gpu", ""),
        ("13.0", True, "any", ""),
        ("13.0", True, "cpu", "These wheels of torch (2.0) are for the GPU. For a CPU image name an index"),
        (None, True, "gpu", "These wheels of torch (2.0) are for the CPU."),
        (None, False, "cpu", "are no pair: operator torchvision::nms does not exist"),
    ],
)
def test_wheels_that_do_not_fit_are_refused(
    cuda: str | None, fits: bool, variant: str, told: str, tmp_path: Path
) -> None:
    found = re.search(r"<<'CHECK'\n(.*?)\nCHECK\n", (ROOT / "deploy" / "install.sh").read_text(), re.DOTALL)
    assert found is not None
    (tmp_path / "torch.py").write_text(
        f"__version__ = '2.0'\nclass version: cuda = {cuda!r}\ndef zeros(*_): return None\n"
    )
    broken = "raise RuntimeError('operator torchvision::nms does not exist')"
    (tmp_path / "torchvision.py").write_text("class ops: nms = staticmethod(print)\n" if fits else broken)
    done = subprocess.run(
        [sys.executable, "-", variant],
        input=found[1],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == int(bool(told))
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_the_app_runs_on_a_read_only_file_system_without_a_network(stages: list[list[Instruction]]) -> None:
    sealed = ["unshare", "--mount", "--net", *([] if os.getuid() == 0 else ["--map-root-user"])]
    if not all(shutil.which(tool) for tool in ("unshare", "findmnt", "ip")):
        pytest.skip("this system has no unshare, findmnt or ip")
    if subprocess.run([*sealed, "mount", "--make-rprivate", "/"], capture_output=True, check=False).returncode:
        pytest.skip("this system lets nobody seal a process off")
    given = environment(stages[-1]) | {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HF_HOME": "/nowhere"}
    given |= {"STREAMLIT_SERVER_SCRIPT_HEALTH_CHECK_ENABLED": "true", "STREAMLIT_SERVER_ADDRESS": "127.0.0.1"}
    done = subprocess.run(
        [*sealed, "sh", "-c", SEALED.format(root=ROOT), "sh", sys.executable],
        cwd=ROOT,
        env=given,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "200" in done.stdout.splitlines(), done.stdout + done.stderr
    assert '"level": "error"' not in done.stderr, done.stderr
    assert "Read-only" not in done.stderr, done.stderr
