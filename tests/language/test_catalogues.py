"""The catalogues hold what the code says: nothing is missing, nothing is left over, and values are the same."""

from __future__ import annotations

import ast
import io
import re
import string
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from matplotlib.ft2font import FT2Font

from mixer_viz.language import LANGUAGES, SOURCE
from mixer_viz.language.catalogues import DOMAIN, FOLDER

ROOT = Path(__file__).parents[2]
KEYWORDS = {"tr": None, "noted": None, "mark": None}
FILES = [ROOT / "app.py", *sorted((ROOT / "pages").rglob("*.py")), *sorted((ROOT / "mixer_viz").rglob("*.py"))]
OTHERS = [language for language in LANGUAGES if language != SOURCE]
Fields = list[tuple[str, str | None, str | None]]


def said_in(file: Path) -> set[str]:
    """The messages that Babel finds in a file of Python."""
    return {str(found[1]) for found in extract_from_file("python", file, keywords=KEYWORDS)}


def all_said() -> set[str]:
    return {message for file in FILES for message in said_in(file)}


def catalogue_of(language: str) -> Catalog:
    with (FOLDER / language / "LC_MESSAGES" / f"{DOMAIN}.po").open("rb") as file:
        return read_po(file, locale=language)


def fields(message: str) -> Fields | None:
    """Names, formats and conversions of the values of a message; None where braces mean nothing, as in LaTeX."""
    try:
        found = [(name, how, turned) for _, name, how, turned in string.Formatter().parse(message) if name is not None]
    except ValueError:
        return None
    return sorted(found) if all(name.isidentifier() for name, *_ in found) else None


def message_faults(path: Path, tree: ast.Module) -> Iterator[str]:
    """Messages that Babel does not see: made of pieces, or inside of an f-string."""
    for node in ast.walk(tree):
        inside = ast.walk(node) if isinstance(node, ast.JoinedStr) else ()
        for call in [each for each in inside if isinstance(each, ast.Call)]:
            if getattr(call.func, "id", "") in KEYWORDS and isinstance(call.args[0], ast.Constant):
                yield f"{path}:{call.lineno}: inside of an f-string"
        is_said = isinstance(node, ast.Call) and getattr(node.func, "id", "") in KEYWORDS and bool(node.args)
        if is_said and isinstance(node.args[0], ast.JoinedStr | ast.BinOp):
            yield f"{path}:{node.lineno}: made of pieces"


def test_every_message_can_be_found() -> None:
    assert [fault for file in FILES for fault in message_faults(file, ast.parse(file.read_text("utf-8")))] == []


@pytest.mark.parametrize(
    ("text", "words"),
    [("f\"{tr('a')}\"", "f-string"), ('tr(f"{x}")', "pieces"), ('noted("a" + x)', "pieces"), ('f"{tr(x)}"', "")],
)
def test_messages_that_cannot_be_found_are_told(text: str, words: str) -> None:
    found = list(message_faults(Path("a.py"), ast.parse(text)))
    assert bool(found) == bool(words) and all(words in fault for fault in found)


@pytest.mark.parametrize("language", OTHERS)
def test_no_message_is_missing_or_unused(language: str) -> None:
    said, there = all_said(), {message.id for message in catalogue_of(language) if message.id and message.string}
    assert sorted(said - there) == [], "translate these (docs/translating.md)"
    assert sorted(there - said) == [], "nothing says these any more"


@pytest.mark.parametrize("language", OTHERS)
def test_values_are_the_same_in_every_language(language: str) -> None:
    differing = [
        message.id
        for message in catalogue_of(language)
        if message.id and fields(message.id) is not None and fields(message.id) != fields(str(message.string))
    ]
    assert differing == []


def test_a_value_that_differs_is_told() -> None:
    assert fields("{count:,} of {all}") != fields("{all} 中的 {count}")
    assert fields("{count:,} of {all}") == fields("{all} 中的 {count:,}")


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_is_marked_as_doubtful(language: str) -> None:
    assert [message.id for message in catalogue_of(language) if message.id and message.fuzzy] == []


@pytest.mark.parametrize("language", OTHERS)
def test_what_the_app_reads_is_what_the_catalogue_says(language: str) -> None:
    written = io.BytesIO()
    write_mo(written, catalogue_of(language))
    assert (FOLDER / language / "LC_MESSAGES" / f"{DOMAIN}.mo").read_bytes() == written.getvalue()


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_is_one(language: str) -> None:
    """Where the English is more than a name, the Chinese has Chinese letters."""
    forgotten = [
        message.id
        for message in catalogue_of(language)
        if len(re.findall(r"\b[a-z]{2,}\b", re.sub(r"\{[^}]*\}", "", str(message.id)))) >= 4
        and not re.search(r"[\u4e00-\u9fff]", str(message.string))
    ]
    assert forgotten == []


@pytest.mark.parametrize("language", OTHERS)
def test_figures_have_every_letter_of_the_catalogue(language: str) -> None:
    """On every computer: with matplotlib's own font and the one that comes along."""
    files = [
        ROOT / "assets" / "fonts" / "NotoSansSC-subset.otf",
        Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf",
    ]
    letters = {chr(code) for file in files for code in FT2Font(str(file)).get_charmap()}
    said = {letter for message in catalogue_of(language) for letter in str(message.string)}
    assert files[0].stat().st_size <= 2e6
    assert {letter for letter in said if not letter.isspace()} <= letters


# Words of the table that are other words too: a shift of a channel, what weighs, the name of a call, keys of a card.
OTHER_SENSES = {"shift", "weights", "checkpoint", "accuracy"}


def terms() -> dict[str, str]:
    """The rows of docs/translating.md with one word in each language."""
    table = (ROOT / "docs" / "translating.md").read_text(encoding="utf-8").partition("| English | 中文 |")[2]
    rows = re.findall(r"^\| ([^|]+?) \| ([^|]+?) \|$", table, re.MULTILINE)
    return {english: chinese for english, chinese in rows if not re.search(r"[,/(（、]", english + chinese)}


def test_one_word_stands_for_one_thing() -> None:
    assert len(terms()) > 30
    others = []
    for english, chinese in terms().items():
        word = re.compile(rf"\b{re.escape(english)}s?\b", re.IGNORECASE)
        for message in catalogue_of("zh") if english not in OTHER_SENSES else ():
            if word.search(re.sub(r"\{[^}]*\}", "", str(message.id))) and chinese not in str(message.string):
                others.append((english, message.id))
    assert others == []
