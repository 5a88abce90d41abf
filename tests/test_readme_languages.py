"""The README in Chinese says what the English one says: headings, commands, links and figures are the same."""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = {"en": "README.md", "zh": "README.zh.md"}
HEADING = re.compile(r"^(#+) ", re.MULTILINE)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)]+)\)")
CODE_IN_LINE = re.compile(r"`([^`]+)`")
# "25 million", "2500 万" and "0.2 M" are figures as well as "25,000".
FIGURE = re.compile(r"(?<![A-Za-z0-9_.])(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)(?: (million\b|M\b|万))?")
TIMES = {"": 1, "million": 1_000_000, "M": 1_000_000, "万": 10_000}
HAN = re.compile(r"[\u4e00-\u9fff]")


def text_of(language: str) -> str:
    """Without the line that leads to the other language."""
    lines = (ROOT / FILES[language]).read_text(encoding="utf-8").splitlines()
    return "\n".join([lines[0], *lines[3:]])


def code_blocks(text: str) -> list[str]:
    return re.findall(r"(?:^ {4}.*\n|^\n(?= {4}))+", text, re.MULTILINE)


def prose(text: str) -> str:
    """What is neither a command nor a name or an address."""
    plain = "\n".join(line for line in text.splitlines() if not line.startswith("    "))
    return CODE_IN_LINE.sub("", re.sub(r"\]\([^)]+\)", "]", plain))


def figures(text: str) -> Counter[Decimal]:
    return Counter(Decimal(number.replace(",", "")) * TIMES[unit] for number, unit in FIGURE.findall(prose(text)))


def test_each_leads_to_the_other() -> None:
    tops = {language: (ROOT / name).read_text(encoding="utf-8").splitlines()[2] for language, name in FILES.items()}
    assert LINK.findall(tops["en"]) == [FILES["zh"]]
    assert LINK.findall(tops["zh"]) == [FILES["en"]]


def test_headings_are_at_the_same_levels_in_the_same_order() -> None:
    levels = [HEADING.findall("\n".join(prose(text_of(language)).splitlines())) for language in FILES]
    assert levels[0] == levels[1]
    assert levels[0].count("##") > 5


def test_commands_and_code_are_the_same_letter_by_letter() -> None:
    english, chinese = (code_blocks(text_of(language)) for language in FILES)
    assert english == chinese
    assert any("streamlit run app.py" in block for block in english)


def test_links_pictures_and_names_are_the_same() -> None:
    for found in (LINK, CODE_IN_LINE):
        english, chinese = (
            Counter(" ".join(each.split()) for each in found.findall(text_of(language))) for language in FILES
        )
        assert english == chinese
    for target in LINK.findall(text_of("zh")):
        assert target.startswith("https://") or (ROOT / target).is_file(), target


def test_figures_are_the_same_in_every_section() -> None:
    english, chinese = (re.split(r"^## ", text_of(language), flags=re.MULTILINE) for language in FILES)
    for one, other in zip(english, chinese, strict=True):
        assert figures(one) == figures(other), other.splitlines()[0]


def test_paragraphs_and_lists_are_as_long() -> None:
    """A new paragraph or point in one of them is missed in the other."""
    counts = []
    for language in FILES:
        sections = re.split(r"^#+ ", text_of(language), flags=re.MULTILINE)
        counts.append([len(re.split(r"\n(?:\n+|- )", section.strip())) for section in sections])
    assert counts[0] == counts[1]


def test_every_paragraph_is_in_chinese() -> None:
    for paragraph in prose(text_of("zh")).split("\n\n")[1:]:
        assert not paragraph.strip() or HAN.search(paragraph), paragraph
