"""Tables of a survey as Parquet: a round trip, what other programs read in them, and files that lie."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from mixer_viz.survey import cli
from mixer_viz.survey.output import SurveyFileError, read_survey
from mixer_viz.survey.parquet import ParquetError, parquet_files, parquet_tables, read_parquet
from tests.conftest import TINY
from tests.survey.made_folders import write_model, write_pictures

MOST = 2**24
TOLD = b"mixer_viz.tables"


def tables() -> dict[str, np.ndarray]:
    draw = np.random.default_rng(3)
    return {
        "mean": draw.normal(size=7),
        "top": draw.normal(size=(7, 9)).astype(np.float32),
        "top_pictures": draw.integers(-1, 99, (7, 9)),
        "wide": draw.normal(size=(7, 100)).astype(np.float16),
        "sample": np.where(draw.random((30, 7)) < 0.2, np.nan, draw.normal(size=(30, 7))).astype(np.float16),
        "crops": draw.integers(0, 256, (7, 4, 5, 3), dtype=np.uint8),
        "nothing": np.zeros((7, 0), np.float32),
        "none_at_all": np.zeros((0, 0), np.int64),
    }


def test_a_round_trip_is_exact() -> None:
    found: dict[str, np.ndarray] = {}
    files = dict(parquet_files("units", tables()))
    assert sorted(files) == ["units.none_at_all.parquet", "units.parquet", "units.sample.parquet"]
    for data in files.values():
        found |= parquet_tables(data, MOST)
    assert found.keys() == tables().keys()
    for name, value in tables().items():
        assert found[name].dtype == value.dtype
        np.testing.assert_array_equal(found[name], value, err_msg=name)


def test_other_programs_read_the_numbers() -> None:
    data = dict(parquet_files("units", tables()))["units.parquet"]
    frame = pq.read_table(pa.BufferReader(data)).to_pandas()
    np.testing.assert_array_equal(frame["mean"], tables()["mean"])
    np.testing.assert_array_equal(frame["top.8"], tables()["top"][:, 8])
    np.testing.assert_array_equal(np.frombuffer(frame["wide"].iloc[3], "<f2"), tables()["wide"][3])


def test_the_command_writes_either_kind_and_both_are_read_alike(tmp_path: Path) -> None:
    data, model = write_pictures(tmp_path / "data", 12), write_model(TINY, tmp_path)
    given = ["--data", str(data), "--model", str(model), "--device", "cpu", "--closer", "1", "--methods", "saliency"]
    for kind in ("npz", "parquet"):
        assert cli.main([*given, "--out", str(tmp_path / kind), "--format", kind]) == 0
    first, second = read_survey(tmp_path / "npz"), read_survey(tmp_path / "parquet")
    assert not list((tmp_path / "parquet").glob("*.npz"))
    assert first.about == second.about
    assert first.arrays.keys() == second.arrays.keys()
    for name, value in first.arrays.items():
        np.testing.assert_array_equal(value, second.arrays[name], err_msg=name)
    files = {path.name: path.read_bytes() for path in (tmp_path / "parquet").iterdir()}
    for broken in (files["channels.parquet"][:-30], b"PAR1", b""):
        with pytest.raises(SurveyFileError, match=r"channels.parquet' is damaged"):
            read_survey({**files, "channels.parquet": broken})


def written(table: pa.Table, told: object, **how: object) -> bytes:
    table = table.replace_schema_metadata({TOLD: json.dumps(told).encode()})
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **{"compression": "none", "use_dictionary": False, "write_statistics": False, **how})
    return buffer.getvalue()


def column(values: object, kind: pa.DataType) -> pa.Table:
    array = pa.array(values, kind)
    return pa.Table.from_arrays([array], schema=pa.schema([pa.field("a", kind, nullable=False)]))


GOOD = column([0.0] * 9, pa.float32())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (written(GOOD, {"a": [[9], "<f4"]}, compression="zstd"), "compressed"),
        (written(GOOD, {"a": [[9], "<f4"]}, use_dictionary=True), "encoded"),
        (written(column([[0.0] * 3] * 9, pa.list_(pa.float32(), 3)), {"a": [[9, 3], "<f4"]}), "nested"),
        (written(pa.table({"a": pa.array([1.0, None])}), {"a": [[2], "<f8"]}), "with gaps"),
        (written(column(["x"] * 9, pa.string()), {"a": [[9], "<f4"]}), "another kind"),
        (written(GOOD, {"a": [[8], "<f4"]}), "damaged"),
        (written(GOOD, {"a": [[9], "<f8"]}), "damaged"),
        (written(GOOD, {"a": [[9, 2**39], "<f4"]}), "damaged"),
        (written(GOOD, {"b": [[9], "<f4"]}), "damaged"),
        (written(GOOD, {"a": [[9], "|O"]}), "not of a survey"),
        (written(GOOD, {"a": [[-9], "<f4"]}), "not of a survey"),
        (written(GOOD, {"a": [[9.0], "<f4"]}), "not of a survey"),
        (written(GOOD, [1]), "not of a survey"),
        (b"PAR1" + bytes(50) + b"PAR1", "damaged"),
        (bytes(MOST + 1), "too large"),
    ],
)
def test_what_this_project_did_not_write_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(ParquetError, match=words):
        parquet_tables(data, MOST)


def test_a_file_at_which_the_library_aborts_is_a_sentence() -> None:
    data = dict(parquet_files("units", {"mean": np.arange(5.0), "top": np.ones((5, 2))}))["units.parquet"]
    np.testing.assert_array_equal(read_parquet({"units.parquet": data}, MOST)["units.top"], np.ones((5, 2)))
    draw = np.random.default_rng(0)
    refused = []
    for _ in range(12):
        changed = bytearray(data)
        for place in draw.integers(0, len(data), 6):
            changed[place] = int(draw.integers(0, 256))
        try:
            found = read_parquet({"units.parquet": bytes(changed)}, MOST)
        except ParquetError as exc:
            refused.append(str(exc))
        else:
            assert sum(table.nbytes for table in found.values()) <= len(data)
    assert len(refused) > 6
    assert all("is damaged, or not a table that this project wrote." in each for each in refused)
    with pytest.raises(ParquetError, match="more than 16 MiB"):
        read_parquet({"units.parquet": bytes(MOST + 1)}, MOST)
