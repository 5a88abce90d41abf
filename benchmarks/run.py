"""Runs the benchmarks beside this file and writes one JSON: python benchmarks/run.py --json out.json [--only NAME ...]

Every module in this folder that has NAME and `measure() -> dict` is a benchmark; README.md describes the dict.
"""

from __future__ import annotations

import argparse
import datetime
import functools
import importlib
import json
import os
import pkgutil
import platform
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

FOLDER = Path(__file__).parent


def main(arguments: Sequence[str] | None = None, folder: Path = FOLDER) -> int:
    """Exit status 1 when a benchmark failed to run; a missed aim is a result, not a failure."""
    benchmarks = find_benchmarks(folder)
    options = parse(arguments, sorted(benchmarks))
    if not options.json.absolute().parent.is_dir():
        print(f"There is no folder {options.json.absolute().parent} to write into.", file=sys.stderr)
        return 1
    report: dict[str, Any] = {"machine": machine_facts(), "benchmarks": {}}
    print(", ".join(f"{key} {value}" for key, value in report["machine"].items()))
    failed = False
    for name in options.only or sorted(benchmarks):
        try:
            report["benchmarks"][name] = benchmarks[name]()
        except Exception as exc:  # one that fails must not cost the results of the others
            traceback.print_exc()
            report["benchmarks"][name] = {"error": f"{type(exc).__name__}: {exc}"}
            failed = True
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        print("\n".join(table(name, report["benchmarks"][name])), flush=True)
    return int(failed)


def find_benchmarks(folder: Path) -> dict[str, Callable[[], dict[str, Any]]]:
    """NAME -> measure, for every module in `folder` that exposes both.

    A module that cannot be imported (its library is missing here) goes under its file name and fails when it is run.
    """
    for path in (str(FOLDER.parent), str(folder)):
        if path not in sys.path:
            sys.path.insert(0, path)
    found: dict[str, Callable[[], dict[str, Any]]] = {}
    for module_name in sorted(module.name for module in pkgutil.iter_modules([str(folder)])):
        if module_name == Path(__file__).stem:
            continue
        try:
            module = importlib.import_module(module_name)
        except ImportError:
            found[module_name] = functools.partial(importlib.import_module, module_name)  # raises again, when run
            continue
        if hasattr(module, "NAME") and hasattr(module, "measure"):
            found[module.NAME] = module.measure
    return found


def parse(arguments: Sequence[str] | None, names: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run the benchmarks and write their results as JSON.")
    parser.add_argument("--json", type=Path, required=True, metavar="FILE", help="where the results go")
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=f"of: {', '.join(names)}")
    return parser.parse_args(arguments)


def machine_facts() -> dict[str, Any]:
    """What the numbers depend on; the load tells whether the machine was busy with something else."""
    from mixer_viz.analysis.comparison.timing import processor_name  # once find_benchmarks has made it importable

    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "cpu": processor_name(),
        "cpus": os.cpu_count(),
        "load before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
    }


def table(name: str, results: dict[str, Any]) -> list[str]:
    """One line per quantity: median (or value), spread, aim."""
    rows = list(rows_of(results))
    width = max((len(row[0]) for row in rows), default=0)
    return [f"\n{name}", *(f"  {label:<{width}}  {text}" for label, text in rows)]


def rows_of(results: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for label, entry in results.items():
        if not isinstance(entry, dict) or not {"median", "value"} & set(entry):
            yield label, str(entry)
            continue
        unit = f" {entry['unit']}" if "unit" in entry else ""
        text = f"{entry['median'] if 'median' in entry else entry['value']:10.4g}{unit}"
        if "median" in entry:
            text += f"  ({entry['min']:.4g} to {entry['max']:.4g})"
        if "at_most" in entry:
            text += f"  aim <= {entry['at_most']:g}: {'met' if entry['met'] else 'MISSED'}"
        yield label, text


if __name__ == "__main__":
    raise SystemExit(main())
