"""What is refused is said in the language of whoever is told, wherever the error was raised."""

from __future__ import annotations

import ast
import concurrent.futures
import dataclasses
import gettext
import multiprocessing
import pickle
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save
from streamlit.testing.v1 import AppTest

from mixer_viz.analysis.ranges import NotFiniteError, check_answer
from mixer_viz.checkpoints import CheckpointError, load_model_bytes
from mixer_viz.images import ImageError, open_image
from mixer_viz.images.labelled_folder import labelled_images
from mixer_viz.language import (
    Noted,
    catalogues,
    for_everybody,
    messages,
    noted,
    noted_list,
    sentence_of_error,
    shown,
    speaker,
    speaking,
)
from mixer_viz.model import MlpMixer
from mixer_viz.survey.parquet import ParquetError, read_parquet
from mixer_viz.texts.from_files import literal_sentence
from mixer_viz.ui.serving.settings import SettingError, read_settings
from tests.app.conftest import fresh_app as fresh_app
from tests.app.driving import errors, made_png, start, upload_picture, upload_weights

MARK = "译"  # what the stand-in for a translation begins with
BROKEN = b"\x10\x00\x00\x00\x00\x00\x00\x00{"  # a .safetensors file that ends in its header
PACKAGE = Path(__file__).parents[2] / "mixer_viz"


class StandIn(gettext.NullTranslations):
    """A catalogue in which every message has a translation, so that no test rests on one's wording."""

    def gettext(self, message: str) -> str:
        return f"{MARK}{message}"


@pytest.fixture(autouse=True)
def translated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every message has a translation, and to say one where results are kept for everybody is an error."""
    found = {"zh": StandIn(), catalogues.SOURCE: gettext.NullTranslations()}
    monkeypatch.setattr(messages, "catalogue", found.__getitem__)
    monkeypatch.setattr(speaker, "STRICT", True)


def in_chinese(error: object) -> str:
    with speaking("zh"):
        return sentence_of_error(error)


def refused(call: Callable[[], object], kind: type[Exception]) -> Exception:
    with for_everybody(), pytest.raises(kind) as caught:
        call()
    return caught.value


def weights_of(model: MlpMixer, **more: torch.Tensor) -> bytes:
    tensors = {name: value.contiguous() for name, value in model.state_dict().items()}
    return save({**tensors, **more})


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda: load_model_bytes(b"\x80nothing", "x.pth"), CheckpointError),
        (lambda: load_model_bytes(b"", "x.safetensors"), CheckpointError),
        (lambda: load_model_bytes(b"\x00" * 40, "x.npz"), CheckpointError),
        (lambda: open_image(b"no picture"), ImageError),
        (lambda: check_answer(torch.tensor([[float("nan")]])), NotFiniteError),
        (lambda: read_settings({"MIXER_EXPLORER_LOG": "loud"}), SettingError),
        (lambda: read_parquet({"x.parquet": b"no table"}, 100), ParquetError),
    ],
)
def test_an_error_is_said_in_both_languages(call: Callable[[], object], kind: type[Exception]) -> None:
    error = refused(call, kind)
    assert sentence_of_error(error) == str(error)
    assert MARK not in str(error)
    assert in_chinese(error).startswith(MARK)


def test_the_reason_inside_of_an_error_is_translated_too(tiny_model: MlpMixer) -> None:
    data = weights_of(tiny_model)
    error = refused(
        lambda: load_model_bytes(data, "x.safetensors", "cpu", b'{"gelu": "loud", "image_size": 8}'), CheckpointError
    )
    assert "gelu='loud' must be 'erf' or 'tanh'" in str(error)
    said = in_chinese(error)
    assert said.count(MARK) == 4  # the sentence, what the settings are called, in it the side file, and the reason
    assert f"{MARK}gelu='loud' must be" in said


def test_a_noted_sentence_keeps_of_an_error_what_it_says() -> None:
    inner = ValueError(noted("{count:,} is too many", count=5000))
    sentence = noted("Refused: {reason}.", reason=inner)
    assert sentence == "Refused: 5,000 is too many."
    assert not any(isinstance(value, BaseException) for value in sentence.values.values())
    assert in_chinese(CheckpointError(sentence)) == f"{MARK}Refused: {MARK}5,000 is too many."
    assert noted("Refused: {reason}.", reason=OSError(28, "No space")) == "Refused: [Errno 28] No space."


@pytest.mark.parametrize(
    ("values", "english"),
    [
        ({"value": np.int64(12_345)}, "12,345"),
        ({"value": np.float32(0.5)}, "0.5"),
        ({"value": 3}, "3"),
    ],
)
def test_numbers_keep_their_format_in_another_process(values: dict[str, object], english: str) -> None:
    sentence = noted("{value:,}", **values)
    again = pickle.loads(pickle.dumps(sentence))
    assert isinstance(again, Noted)
    assert again == sentence == english
    assert in_chinese(CheckpointError(again)) == f"{MARK}{english}"
    assert type(next(iter(again.values.values()))) in (int, float)


def test_other_values_go_to_another_process_as_texts() -> None:
    sentence = noted("a {kind} of shape {shape}, {flag}", kind=noted("matrix"), shape=(2, 3), flag=True)
    again = pickle.loads(pickle.dumps(sentence))
    assert again == sentence == "a matrix of shape (2, 3), True"
    with speaking("zh"):
        assert shown(again) == shown(sentence) == f"{MARK}a {MARK}matrix of shape (2, 3), True"


def test_an_error_of_another_process_is_said_in_both_languages() -> None:
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        error = pool.submit(open_image, b"no picture").exception(timeout=120)
    assert isinstance(error, ImageError)
    assert str(error).startswith("This file is damaged")
    assert in_chinese(error) == f"{MARK}{error}"


def test_an_error_of_another_thread_is_said_in_both_languages() -> None:
    with concurrent.futures.ThreadPoolExecutor(1) as pool, speaking("zh"):
        error = pool.submit(open_image, b"").exception()
        assert sentence_of_error(error) == f"{MARK}{error}"


def test_two_threads_are_told_of_one_error_in_their_own_languages() -> None:
    error = refused(lambda: open_image(b""), ImageError)
    both = threading.Barrier(2)

    def told(language: str) -> str:
        with speaking(language):
            both.wait(60)
            return "".join({literal_sentence(error) for _ in range(500)})

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        assert list(pool.map(told, ("zh", "en"))) == [f"{MARK}{error}", str(error)]


def test_a_list_has_the_commas_of_its_language() -> None:
    assert noted_list([]) == ""
    assert noted_list(iter(["a"])) == "a"
    listed = noted_list(["a", noted("b"), "c"])
    assert listed == "a, b, c"
    with speaking("zh"):
        assert shown(listed) == f"{MARK}{MARK}a, {MARK}b, c"


def test_what_was_left_out_of_a_folder_is_said_in_both_languages(tiny_model: MlpMixer) -> None:
    picture = made_png()
    config = dataclasses.replace(tiny_model.config, class_names=tuple("abcdefghij"))
    files = [("a/1.png", picture), ("a/2.png", b"x"), *((f"{name}/1.png", picture) for name in "tuvwxyz")]
    with for_everybody():
        left_out = labelled_images(files, config).left_out
    assert left_out == (
        "Left out, because this model has no class of that name: 't', 'u', 'v', 'w', 'x', 2 more. "
        "Skipped 1 of 2 files: no readable pictures."
    )
    with speaking("zh"):
        said = literal_sentence(left_out)
    assert f"{MARK}Left out" in said
    assert f"{MARK}2 more" in said
    assert f"{MARK}Skipped 1 of 2" in said


def as_visitor(language: str, act: Callable[..., AppTest]) -> Callable[..., AppTest]:
    """`act` while this thread speaks the visitor's language, as AppTest asks in it for what a field shows."""

    def run(*arguments: object) -> AppTest:
        with speaking(language):
            return act(*arguments)

    return run


@pytest.fixture
def visitors() -> Iterator[dict[str, AppTest]]:
    """One visitor for each language, both with the page open."""
    yield {language: start(lang=language) for language in ("zh", "en")}


def test_a_broken_upload_is_refused_in_the_language_of_each_visitor(visitors: dict[str, AppTest]) -> None:
    for language, app in visitors.items():
        as_visitor(language, upload_weights)(app, "broken.safetensors", BROKEN)
    ((chinese,), (english,)) = errors(visitors["zh"]), errors(visitors["en"])
    assert english == (
        "This .safetensors file is damaged or cut short; download or export it again. The model before it stays."
    )
    assert chinese == f"{MARK}{MARK}{english}"
    for language, app in visitors.items():
        (sentence,) = errors(as_visitor(language, upload_picture)(app, "broken.png", b"no picture"))[-1:]
        assert sentence.count(MARK) == (2 if language == "zh" else 0)
        assert "not a picture that can be read here" in sentence


def test_a_refusal_is_said_anew_after_a_change_of_language() -> None:
    app = start()
    upload_weights(app, "broken.safetensors", BROKEN)
    (english,) = errors(app)
    app.segmented_control(key="lang").set_value("中文").run()
    assert errors(app) == [f"{MARK}{MARK}{english}"]


def test_what_is_kept_of_a_model_is_said_in_the_language_of_each_visitor(
    visitors: dict[str, AppTest], tiny_model: MlpMixer
) -> None:
    data = weights_of(tiny_model, epoch=torch.ones(1))
    for language, app in visitors.items():
        as_visitor(language, upload_weights)(
            app, "own.safetensors", data
        )  # the second visitor gets what is kept of the first's
        assert errors(app) == []
    english, chinese = ([caption.value for caption in visitors[language].caption] for language in ("en", "zh"))
    remark = "Not a part of the network and ignored: 'epoch'."
    assert remark in english
    assert f"{MARK}{remark}" in chinese
    assert remark not in chinese


SHOWN = ("CheckpointError", "ImageError", "NotFiniteError", "SettingError", "SurveyFileError")
COMMANDS_ONLY = {"survey/cli.py": 0, "survey/folder.py": 2}  # that many are for the command line alone


def sentences_that_are_not_noted(source: str) -> list[str]:
    """The texts in a module that these errors are given as they are."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and node.args]
    return [
        ast.unparse(call.args[0])
        for call in calls
        if ast.unparse(call.func).split(".")[-1] in SHOWN
        and not isinstance(call.args[0], ast.Call | ast.Name | ast.Starred | ast.Attribute)
    ]


def test_every_error_that_visitors_can_see_is_noted() -> None:
    assert sentences_that_are_not_noted('raise CheckpointError(f"no {name}")') == ["f'no {name}'"]
    assert sentences_that_are_not_noted("raise images.ImageError('no')") == ["'no'"]
    assert sentences_that_are_not_noted("raise ImageError(noted('no'))") == []
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        if name.startswith(("training/", "ui/", "checkpoints/convnet.py")) and not name.startswith("ui/serving/"):
            continue
        found = sentences_that_are_not_noted(path.read_text(encoding="utf-8"))
        assert len(found) == COMMANDS_ONLY.get(name, 0), f"{name}: {found}"
