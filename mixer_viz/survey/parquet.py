"""Tables of a survey as Parquet: plain columns, so that what a stranger's file unpacks to is bounded by its size.

A table with one number per row is a column of numbers, one with up to MOST_COLUMNS is as many ("top.0", "top.1", ...),
and any other is a column of bytes whose type and shape the file's metadata tell (`np.frombuffer`). Nothing is
compressed, encoded by a dictionary or nested: each of these can make gigabytes of a small file.

pyarrow ends the whole process at some damaged files, so they are read in a process of their own, which runs this file
alone: with a bound on its memory and its time, and with plain arrays as its answer.
"""

from __future__ import annotations

import io
import json
import math
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

ENDING = ".parquet"
MOST_COLUMNS = 64  # of one table, beyond which its rows are bytes
_KEY = b"mixer_viz.tables"
_TYPES = ("<f2", "<f4", "<f8", "<i4", "<i8", "|u1")
_MOST_TABLES = 64
_MOST_SECONDS = 120
_MEMORY = 3 * 2**30  # of the process that reads, addresses included that it never uses
_REFUSED = 3  # its exit status where it can say which file is wrong
_ENCODINGS = {"PLAIN", "RLE"}


class ParquetError(ValueError):
    """What is wrong with a file, in a few words."""


def read_parquet(files: Mapping[str, bytes], most_bytes: int) -> dict[str, np.ndarray]:
    """The tables of files "quantity.parquet" and "quantity.table.parquet", as "quantity.table".

    Raises ParquetError, one sentence, for what `parquet_files` did not write, or a file of more than `most_bytes`.
    """
    from mixer_viz.language import noted  # here: `main` runs where nothing of the package can be imported

    if any(len(data) > most_bytes for data in files.values()):
        raise ParquetError(noted("A file of this survey has more than {most} MiB.", most=most_bytes // 2**20))
    asked = io.BytesIO()
    with zipfile.ZipFile(asked, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    command = [sys.executable, "-P", __file__, str(most_bytes)]
    environment = {**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            command, input=asked.getvalue(), capture_output=True, timeout=_MOST_SECONDS, env=environment
        )
    except subprocess.TimeoutExpired as exc:
        raise ParquetError(noted("The Parquet files of this survey took too long to read.")) from exc
    if done.returncode == _REFUSED:
        name = done.stderr.decode("utf-8", "replace").strip()
        raise ParquetError(noted("The file {name} is damaged, or not a table that this project wrote.", name=name))
    if done.returncode:
        raise ParquetError(noted("A Parquet file is damaged, or not a table that this project wrote."))
    with np.load(io.BytesIO(done.stdout), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def main() -> int:
    """What the process of `read_parquet` does: an archive of files in, an archive of arrays out."""
    most_bytes = int(sys.argv[1])
    _bound_memory(_MEMORY)
    found: dict[str, np.ndarray] = {}
    with zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read())) as archive:
        for name in archive.namelist():
            try:
                tables = parquet_tables(archive.read(name), most_bytes)
            except ParquetError:
                sys.stderr.write(repr(name[:80]))
                return _REFUSED
            found |= {f"{name.split('.')[0]}.{key}": value for key, value in tables.items()}
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **found)
    sys.stdout.buffer.write(buffer.getvalue())
    return 0


def _bound_memory(size: int) -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def parquet_files(quantity: str, tables: Mapping[str, np.ndarray]) -> Iterator[tuple[str, bytes]]:
    """`quantity.parquet` with the tables whose rows are the same, and `quantity.name.parquet` with each other one."""
    rows = max((len(table) for table in tables.values()), key=[len(t) for t in tables.values()].count)
    together = {name: table for name, table in tables.items() if len(table) == rows}
    yield f"{quantity}{ENDING}", _bytes_of(together)
    for name, table in tables.items():
        if name not in together:
            yield f"{quantity}.{name}{ENDING}", _bytes_of({name: table})


def parquet_tables(data: bytes, most_bytes: int) -> dict[str, np.ndarray]:
    """The tables of one file; nothing in it is run.

    Raises ParquetError for what `parquet_files` did not write, or more than `most_bytes`.
    """
    import pyarrow as pa
    from pyarrow import parquet

    if len(data) > most_bytes:
        raise ParquetError("too large")
    try:
        with parquet.ParquetFile(
            pa.BufferReader(data), thrift_string_size_limit=2**20, thrift_container_size_limit=2**16
        ) as file:
            _check_plain(file, len(data))
            told = _told(file.metadata.metadata)
            table = file.read(use_threads=False)
            return {name: _joined(table, name, *shape_and_type) for name, shape_and_type in told.items()}
    except (pa.ArrowException, OSError, KeyError, TypeError, UnicodeDecodeError, OverflowError) as exc:
        raise ParquetError("damaged") from exc


def _bytes_of(tables: Mapping[str, np.ndarray]) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    told: dict[str, Any] = {}
    fields, columns = [], []
    for name, value in tables.items():
        kind = value.dtype.newbyteorder("<").str
        told[name] = [list(value.shape), kind]
        if kind not in _TYPES:
            raise ParquetError(f"the table {name} has numbers of the kind {kind}")
        for column, array in _columns(name, np.ascontiguousarray(value, kind)):
            fields.append(pa.field(column, array.type, nullable=False))
            columns.append(array)
    if not columns:  # tables without a number: Parquet needs a column
        fields.append(pa.field("empty", pa.int32(), nullable=False))
        columns.append(pa.array([], pa.int32()))
    schema = pa.schema(fields, {_KEY: json.dumps(told).encode()})
    buffer = io.BytesIO()
    parquet.write_table(
        pa.Table.from_arrays(columns, schema=schema),
        buffer,
        compression="none",
        use_dictionary=False,
        write_statistics=False,
    )
    return buffer.getvalue()


def _columns(name: str, value: np.ndarray) -> Iterator[tuple[str, Any]]:
    """Names and arrow arrays of one table's columns; none for a table without a number."""
    import pyarrow as pa

    if not value.size:
        return
    if value.ndim == 1 and value.dtype != np.uint8:
        yield name, pa.array(value)
    elif value.ndim == 2 and value.shape[1] <= MOST_COLUMNS and value.dtype != np.uint8:
        for number in range(value.shape[1]):
            yield f"{name}.{number}", pa.array(value[:, number])
    else:
        width = value.nbytes // len(value)
        yield (
            name,
            pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), len(value), [None, pa.py_buffer(value.tobytes())]),
        )


def _check_plain(file: Any, size: int) -> None:
    """Every row takes as many bytes of the file as it has in memory: what it claims beyond its size is a lie."""
    about = file.metadata
    if about.num_columns > _MOST_TABLES * MOST_COLUMNS:
        raise ParquetError("too many columns")
    width = 0
    for number in range(about.num_columns):
        column = file.schema.column(number)
        if column.max_definition_level or column.max_repetition_level:
            raise ParquetError("nested, or with gaps")
        known = {"INT32": 4, "INT64": 8, "FLOAT": 4, "DOUBLE": 8, "FIXED_LEN_BYTE_ARRAY": column.length}
        if column.physical_type not in known:
            raise ParquetError("of another kind")
        width += known[column.physical_type]
    for group in range(about.num_row_groups):
        for number in range(about.num_columns):
            chunk = about.row_group(group).column(number)
            if chunk.compression != "UNCOMPRESSED" or not set(chunk.encodings) <= _ENCODINGS:
                raise ParquetError("compressed or encoded")
    if about.num_rows < 0 or about.num_rows * width > size:
        raise ParquetError("damaged")


def _told(metadata: Mapping[bytes, bytes] | None) -> dict[str, tuple[tuple[int, ...], str]]:
    """Shape and type of every table."""
    try:
        told = json.loads((metadata or {})[_KEY])
    except (KeyError, ValueError, RecursionError) as exc:
        raise ParquetError("not of a survey") from exc
    if not isinstance(told, dict) or len(told) > _MOST_TABLES:
        raise ParquetError("not of a survey")
    found = {}
    for name, entry in told.items():
        if not isinstance(entry, list) or len(entry) != 2 or not isinstance(entry[0], list) or entry[1] not in _TYPES:
            raise ParquetError("not of a survey")
        shape = entry[0]
        if not 1 <= len(shape) <= 4 or not all(type(side) is int and 0 <= side < 2**40 for side in shape):
            raise ParquetError("not of a survey")
        found[name] = (tuple(shape), entry[1])
    return found


def _joined(table: Any, name: str, shape: tuple[int, ...], kind: str) -> np.ndarray:
    """One table from its columns; ParquetError where they do not have the shape and type that the file tells."""
    import pyarrow as pa

    dtype = np.dtype(kind)
    if not math.prod(shape):
        return np.zeros(shape, dtype)
    if name in table.column_names and pa.types.is_fixed_size_binary(table.column(name).type):
        parts = [chunk for chunk in table.column(name).chunks if len(chunk)]
        width = table.column(name).type.byte_width
        held = b"".join(
            memoryview(part.buffers()[1])[part.offset * width : (part.offset + len(part)) * width] for part in parts
        )
        if len(held) != math.prod(shape) * dtype.itemsize:
            raise ParquetError("damaged")
        return np.frombuffer(held, dtype).reshape(shape)
    names = [name] if len(shape) == 1 else [f"{name}.{number}" for number in range(min(shape[1], MOST_COLUMNS + 1))]
    columns = [table.column(each).to_numpy() for each in names]
    found = columns[0] if len(shape) == 1 else np.stack(columns, axis=1)
    if found.shape != shape or found.dtype != dtype:
        raise ParquetError("damaged")
    return np.ascontiguousarray(found)


if __name__ == "__main__":
    sys.exit(main())
