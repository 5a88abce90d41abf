"""nginx's file and the compose file, read without starting anything."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from mixer_viz.ui.headers import COOKIE
from mixer_viz.ui.serving.settings import MAX_UPLOAD_MIB, PREFIX, read_settings
from tests.browser.replicas import CONF, NAMES, ROOT, local_conf, nginx_command


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    return found


def settings_of(service: dict[str, Any]) -> dict[str, str]:
    """What compose gives the process: `${NAME:-default}` as its default."""
    return {key: re.sub(r"\$\{\w+:-(.*?)\}", r"\1", str(value)) for key, value in service["environment"].items()}


def test_nginx_reads_its_file(tmp_path: Path) -> None:
    conf = tmp_path / "nginx.conf"
    conf.write_text(local_conf(tmp_path, 8080, dict(zip(NAMES, (8601, 8602), strict=True))))
    done = subprocess.run([nginx_command(), "-t", "-c", str(conf), "-p", str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_replica_has_a_name_that_the_proxy_knows(compose: dict[str, Any]) -> None:
    text = CONF.read_text(encoding="utf-8")
    replicas = {name: service for name, service in compose["services"].items() if name != "proxy"}
    assert tuple(replicas) == NAMES
    assert f"map $cookie_{COOKIE} $replica" in text
    newcomers = text.partition("upstream newcomers {")[2].partition("}")[0]
    for name, service in replicas.items():
        chosen = read_settings({"MIXER_EXPLORER_PUBLIC": "on", **settings_of(service)})
        assert chosen.replica == name
        assert f"server {name}:8501" in newcomers
        own = text.partition(f"upstream {name} {{")[2].partition("}")[0].split(";")
        assert f"server {name}:8501" in own[0]
        assert re.fullmatch(rf"\s+server (?!{name}:)\w+:8501 backup", own[1])
        assert re.search(rf"^\s+{name} {name};$", text, re.MULTILINE)


def test_the_containers_may_do_no_more_than_they_must(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["tmpfs"][0].startswith("/tmp"), name
        assert ("ports" in service) == (name == "proxy")
    assert compose["networks"]["inside"]["internal"] is True
    assert all(compose["services"][name]["networks"] == ["inside"] for name in NAMES)


def test_uploads_of_any_size_pass_the_proxy() -> None:
    (bound,) = re.findall(r"client_max_body_size (\d+)m;", CONF.read_text(encoding="utf-8"))
    assert int(bound) > MAX_UPLOAD_MIB  # a little more, for what a form adds


def test_the_hosts_files_can_be_read() -> None:
    space = (ROOT / "deploy" / "huggingface" / "README.md").read_text(encoding="utf-8")
    told = yaml.safe_load(space.split("---")[1])
    assert (told["sdk"], told["app_port"]) == ("docker", 8501)
    assert len(told["short_description"]) <= 60
    secrets = tomllib.loads((ROOT / "deploy" / "streamlit-cloud" / "secrets.toml").read_text(encoding="utf-8"))
    assert all(name.startswith(PREFIX) for name in secrets)
    assert read_settings(secrets).public
