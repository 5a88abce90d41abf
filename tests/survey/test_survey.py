"""A survey against a direct loop over the same pictures; stopped, killed, in two shares; and as files."""

from __future__ import annotations

import copy
import dataclasses
import io
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from made_models import block_of

from mixer_viz.analysis.arrays import probabilities
from mixer_viz.analysis.attribution.deletion import deletion_insertion
from mixer_viz.analysis.attribution.run import attribute
from mixer_viz.analysis.receptive_field import receptive_field
from mixer_viz.analysis.token_mixing.jacobian import token_jacobian
from mixer_viz.analysis.token_mixing.unit_effect import unit_effects
from mixer_viz.checkpoints import load_model, save_model
from mixer_viz.images import ImageError, open_image, preprocess
from mixer_viz.model import MixerConfig, MlpMixer, Trace, trace
from mixer_viz.model.trace import streams_of
from mixer_viz.survey import cli
from mixer_viz.survey.closer import MEASURES, confidence_interval
from mixer_viz.survey.folder import pictures_in_memory, some_of
from mixer_viz.survey.in_memory import survey_in_memory
from mixer_viz.survey.output import Survey, SurveyFileError, read_survey
from mixer_viz.survey.passes import FAMILIES, chunk_values
from mixer_viz.survey.run import SurveyError, weights_hash
from tests.survey.made_folders import write_model, write_pictures

METHODS = "input_x_gradient"


@dataclasses.dataclass(frozen=True)
class Case:
    model: MlpMixer
    model_file: Path
    data: Path
    out: Path
    survey: Survey
    names: list[str]
    traces: list[Trace]


def run(data: Path, model: Path, out: Path, *more: str) -> int:
    given = ["--data", str(data), "--model", str(model), "--out", str(out), "--device", "cpu", "--workers", "2"]
    return cli.main([*given, "--chunk", "4", "--closer", "3", "--methods", METHODS, *more])


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    from tests.conftest import TINY

    folder = tmp_path_factory.mktemp("survey")
    data = write_pictures(folder / "data", 26)
    write_pictures(data, 3, classes=("nothing known",))
    (data / "ant" / "broken.png").write_bytes(b"no picture")
    (data / ".hidden.png").write_bytes(b"no picture")
    file = write_model(TINY, folder)
    assert run(data, file, folder / "out") == 0
    model = load_model(str(file), device="cpu")
    names = sorted(path.relative_to(data).as_posix() for path in data.rglob("*.png") if path.name != ".hidden.png")
    traces = [
        trace(model, preprocess(open_image(data / name), model)) for name in names if not name.endswith("broken.png")
    ]
    return Case(model, file, data, folder / "out", read_survey(folder / "out"), names, traces)


def direct(case: Case, family: str) -> np.ndarray:
    """Every unit of every readable picture, (N, U), from traces of one picture at a time."""
    rows = []
    for each in case.traces:
        parts = {
            "token_units": [block.tokens_hidden for block in each.blocks],
            "channel_units": [block.channels_hidden for block in each.blocks],
            "channels": streams_of(each),
        }[family]
        rows.append(torch.cat([part.mean(dim=1)[0] for part in parts]).double().numpy())
    return np.stack(rows)


def readable(case: Case) -> list[int]:
    return [number for number, name in enumerate(case.names) if not name.endswith("broken.png")]


@pytest.mark.parametrize("family", FAMILIES)
def test_statistics_are_those_of_a_direct_loop(case: Case, family: str) -> None:
    values, found = direct(case, family), case.survey
    numbers = np.array(readable(case))
    np.testing.assert_allclose(found.units(family, "mean"), values.mean(axis=0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.units(family, "std"), values.std(axis=0), rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(found.units(family, "lowest"), values.min(axis=0), rtol=1e-4, atol=1e-6)
    top = np.argsort(-values, axis=0, kind="stable")[:9]
    np.testing.assert_allclose(found.units(family, "top"), np.take_along_axis(values, top, 0).T, rtol=1e-4, atol=1e-6)
    assert (found.units(family, "top_pictures") == numbers[top].T).mean() > 0.95  # but for ties to rounding
    np.testing.assert_allclose(
        found.units(family, "sample")[np.searchsorted(_sample(case), numbers)], values, atol=2e-2
    )


def _sample(case: Case) -> np.ndarray:
    return np.asarray(case.survey.arrays["sample.pictures"])


def test_by_class_and_correlation_with_the_logits(case: Case) -> None:
    values, found = direct(case, "token_units"), case.survey
    logits = np.stack([each.logits[0].double().numpy() for each in case.traces])
    wanted = np.corrcoef(values.T, logits.T)[: values.shape[1], values.shape[1] :]
    np.testing.assert_allclose(found.units("token_units", "correlation"), wanted, atol=2e-3)
    labels = found.arrays["predictions.labels"][readable(case)]
    for label in range(3):
        mean = values[labels == label].mean(axis=0)
        np.testing.assert_allclose(found.units("token_units", "class_mean")[:, label], mean, rtol=1e-4, atol=1e-6)


def test_accuracy_confusion_and_lens(case: Case) -> None:
    found = case.survey
    numbers = readable(case)
    labels = found.arrays["predictions.labels"]
    assert [case.names[n] for n in range(len(labels)) if labels[n] == -1] == [
        name for name in case.names if name.startswith("nothing")
    ]
    answers = np.array([int(each.logits.argmax()) for each in case.traces])
    np.testing.assert_array_equal(found.arrays["predictions.answers"][numbers], answers)
    assert found.about["unreadable"] == 1
    known = labels[numbers] >= 0
    assert found.accuracy == pytest.approx((answers[known] == labels[numbers][known]).mean())
    confusion = np.zeros((3, 3), int)
    np.add.at(confusion, (labels[numbers][known], answers[known]), 1)
    np.testing.assert_array_equal(found.arrays["predictions.confusion"], confusion)
    model = case.model
    for stage in range(3):
        read = np.stack(
            [model.head(model.norm(streams_of(t)[2 * stage]).mean(dim=1))[0].detach().numpy() for t in case.traces]
        )
        assert found.arrays["logit_lens.right"][stage] == (read.argmax(1)[known] == labels[numbers][known]).sum()
        log = np.log(probabilities(read))[known, labels[numbers][known]].sum()
        assert found.arrays["logit_lens.log_probability"][stage] == pytest.approx(log, rel=1e-4)


def test_the_closer_look_is_that_of_single_pictures(case: Case) -> None:
    found, model = case.survey, case.model
    chosen = [number for number in found.arrays["closer.pictures"] if not case.names[number].endswith("broken.png")]
    pixels = [preprocess(open_image(case.data / case.names[number]), model) for number in chosen]
    traces = [trace(model, each) for each in pixels]
    for block in range(2):
        mean = np.mean([token_jacobian(model, each, block).channel_mean for each in traces], axis=0)
        np.testing.assert_allclose(found.arrays["jacobian.mean"][block], mean, rtol=1e-3, atol=1e-6)
        effect = np.mean([unit_effects(model, each, block) for each in pixels], axis=0)
        np.testing.assert_allclose(found.arrays["effects.mean"][block], effect, rtol=1e-3, atol=1e-6)
    fields = np.nanmean([receptive_field(model, each, found.about["token"]).maps for each in pixels], axis=0)
    np.testing.assert_allclose(found.arrays["receptive_field.maps"], fields, rtol=1e-3, atol=1e-6)
    target = int(traces[0].logits.argmax())
    result = attribute(model, pixels[0], target, METHODS)
    curves = deletion_insertion(model, pixels[0], result.patch_map, target)
    row = found.arrays["closer.attribution"][list(found.arrays["closer.pictures"]).index(chosen[0]), 0]
    assert row[0] == pytest.approx(curves.deletion_area, rel=1e-3)
    assert row[MEASURES.index("insertion area")] == pytest.approx(curves.insertion_area, rel=1e-3)


def assert_alike(first: Survey, second: Survey, exact: bool) -> None:
    assert {k: v for k, v in first.about.items() if k != "model"} == {
        k: v for k, v in second.about.items() if k != "model"
    }
    assert first.arrays.keys() == second.arrays.keys()
    for name, value in first.arrays.items():
        if exact:
            np.testing.assert_array_equal(value, second.arrays[name], err_msg=name)
        elif not name.endswith(("top_pictures", "crops", "numbers")):
            np.testing.assert_allclose(value, second.arrays[name], rtol=1e-4, atol=1e-5, err_msg=name)


def test_killed_in_the_middle_it_goes_on_to_the_same_survey(case: Case, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mixer_viz.survey", "--data", str(case.data), "--model", str(case.model_file)]
    command += ["--out", str(tmp_path), "--device", "cpu", "--workers", "1", "--chunk", "4", "--closer", "3"]
    command += ["--methods", METHODS, "--save-seconds", "0"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, env=environment)
    state = tmp_path / "state" / "share-0-of-1.npz"
    while process.poll() is None and not state.is_file():
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (tmp_path / "survey.json").exists()
    with np.load(state) as file:
        assert 0 < file["position"] <= len(case.names)
    assert run(case.data, case.model_file, tmp_path, "--resume") == 0
    assert_alike(case.survey, read_survey(tmp_path), exact=True)
    assert not state.exists()


def test_stopped_between_any_two_chunks_it_goes_on_exactly(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class AfterSome(cli._Stops):
        asked_times = 0

        def __call__(self) -> bool:
            self.asked_times += 1
            return self.asked_times > 3

    with monkeypatch.context() as patch:
        patch.setattr(cli, "_stops_on_signals", AfterSome)
        assert run(case.data, case.model_file, tmp_path, "--save-seconds", "0") == cli.STOPPED
        for _ in range(20):
            status = run(case.data, case.model_file, tmp_path, "--save-seconds", "0", "--resume")
            if status == 0:
                break
        assert status == 0
    assert_alike(case.survey, read_survey(tmp_path), exact=True)


def test_another_survey_is_not_taken_up(case: Case, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "share-0-of-1.npz").write_bytes(b"damaged")
    assert run(case.data, case.model_file, tmp_path, "--resume") == 1
    assert run(case.data, case.model_file, case.out) == 1  # there is one already


def test_a_survey_names_its_weights_and_is_not_taken_up_with_others(
    case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert case.survey.weights == case.survey.about["weights_sha256"] == weights_hash(case.model)
    other = copy.deepcopy(case.model)
    with torch.no_grad():
        other.head.bias[0] += 1e-3
    assert weights_hash(other) != case.survey.weights
    file = tmp_path / "model.safetensors"
    file.write_bytes(case.model_file.read_bytes())
    pauses = itertools.count()
    with monkeypatch.context() as patch:
        patch.setattr(cli, "_stops_on_signals", lambda: lambda: next(pauses) > 2)
        assert run(case.data, file, tmp_path / "out", "--save-seconds", "0") == cli.STOPPED
    save_model(other, file)  # under the same name
    assert run(case.data, file, tmp_path / "out", "--resume") == 1
    assert "was begun with another model" in capsys.readouterr().err
    file.write_bytes(case.model_file.read_bytes())
    assert run(case.data, file, tmp_path / "out", "--resume") == 0
    assert_alike(case.survey, read_survey(tmp_path / "out"), exact=True)


def test_two_processes_find_what_one_finds(case: Case, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "29731"]
    command += ["-m", "mixer_viz.survey", "--data", str(case.data), "--model", str(case.model_file)]
    command += ["--out", str(tmp_path), "--device", "cpu", "--workers", "1", "--chunk", "4", "--closer", "3"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*command, "--methods", METHODS], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert_alike(case.survey, read_survey(tmp_path), exact=False)


def test_logits_of_a_chunk_are_those_of_the_model(case: Case) -> None:
    pixels = torch.cat([each.pixels for each in case.traces[:5]])
    assert torch.equal(chunk_values(case.model, pixels).logits, case.model(pixels).detach())
    assert block_of(case.model, 0) is case.model.blocks[0]


def npz(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def test_files_of_strangers_end_in_a_sentence(case: Case) -> None:
    files = {path.name: path.read_bytes() for path in case.out.iterdir()}
    assert read_survey(files).images == case.survey.images
    about = json.loads(files["survey.json"])
    wrong: list[tuple[dict[str, bytes], str]] = [
        ({}, "no survey.json"),
        ({"survey.json": b"{"}, "damaged"),
        ({**files, "survey.json": json.dumps({**about, "format": 9}).encode()}, "cannot|can read"),
        ({**files, "survey.json": json.dumps({**about, "config": {"a": 1}}).encode()}, "describes no model"),
        ({**files, "token_units.npz": files["token_units.npz"][:99]}, "token_units.npz' is damaged"),
        ({**files, "token_units.npz": files["channels.npz"]}, "token_units.mean .*another shape"),
        ({name: data for name, data in files.items() if name != "pictures.npz"}, "pictures of this survey"),
        ({**files, "sample.npz": npz(pictures=np.array(["a"] * 30))}, "something else than numbers"),
        ({**files, "predictions.npz": npz(labels=np.zeros(9), answers=np.zeros(8))}, "missing or of another kind"),
        ({**files, "survey.json": json.dumps({**about, "token": "<b>"}).encode()}, "of which patch"),
        ({**files, "survey.json": json.dumps({**about, "weights_sha256": 3}).encode()}, "hash of the weights"),
    ]
    for given, words in wrong:
        with pytest.raises(SurveyFileError, match=words):
            read_survey(given)


def test_intervals_hold_the_mean_and_shrink_with_images() -> None:
    values = np.random.default_rng(0).normal(3, 1, (400, 2))
    values[3, 1] = np.nan
    mean, low, high = confidence_interval(values)
    np.testing.assert_allclose(mean, np.nanmean(values, axis=0))
    assert ((low < mean) & (mean < high)).all()
    np.testing.assert_allclose(high - low, 2 * 1.96 / 20, rtol=0.15)
    with pytest.raises(ValueError, match="at least one image"):
        confidence_interval(np.zeros((0, 2)))


def test_units_as_a_table(case: Case) -> None:
    frame = case.survey.to_frame()
    config: MixerConfig = case.model.config
    one = frame[(frame.family == "token_units") & (frame.place == 2) & (frame.unit == 3)]
    assert float(one["mean"].iloc[0]) == case.survey.units("token_units", "mean")[config.tokens_mlp_dim + 3]
    assert "26" in case.survey._repr_html_() or "29" in case.survey._repr_html_()


def test_pictures_in_memory_give_the_same_survey_and_end_in_time(case: Case) -> None:
    files = {path.relative_to(case.data).as_posix(): path.read_bytes() for path in case.data.rglob("*.png")}
    pictures = pictures_in_memory(files, case.model.config)
    assert list(pictures.names) == case.names
    found = survey_in_memory(case.model, str(case.model_file), pictures, closer=3)
    for name in ("token_units.mean", "channels.top_pictures", "predictions.answers", "effects.mean", "jacobian.norm"):
        np.testing.assert_allclose(found.arrays[name], case.survey.arrays[name], rtol=1e-4, atol=1e-5, err_msg=name)
    assert found.about["data_sha256"] == case.survey.about["data_sha256"]
    fewer = some_of(pictures, 7)
    assert len(fewer.names) == 7
    assert set(fewer.names) <= set(case.names)
    assert [fewer.labels[at] for at in range(7)] == [
        pictures.labels[pictures.names.index(name)] for name in fewer.names
    ]
    with pytest.raises(SurveyError, match="more than 0 minutes; choose fewer"):
        survey_in_memory(case.model, "m", pictures, most_seconds=0)
    with pytest.raises(ImageError, match="no pictures here"):
        pictures_in_memory({"a/notes.txt": b"", "a/.hidden.png": b""}, case.model.config)
