"""Whether PyTorch fits into what the process may map; asked before it is imported.

Once its libraries are mapped they stay, and a process without room for another thread answers nobody.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

REST_BYTES = 512 * 2**20  # for threads, models and pictures beside the libraries


def require_address_space() -> None:
    """Raise MemoryError where a limit on address space (`ulimit -v`) leaves no room for PyTorch's libraries.

    Every library that came with it counts, also those for a GPU that it maps later. Does nothing on computers without
    such limits, and once PyTorch is imported.
    """
    if "torch" in sys.modules or (limit := _limit()) is None:
        return
    needed = _library_bytes() + REST_BYTES
    if limit - _mapped_bytes() < needed:
        raise MemoryError(
            f"PyTorch needs {needed / 1e9:.1f} GB of address space and the process may map {limit / 1e9:.1f} GB; "
            "raise the limit (ulimit -v), or install PyTorch's CPU wheels"
        )


def _limit() -> int | None:
    """Bytes that this process may map; None without a limit."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if soft == resource.RLIM_INFINITY else soft


def _mapped_bytes() -> int:
    """Bytes that this process maps already; 0 where nobody says."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * 4096
    except OSError:
        return 0


def _library_bytes() -> int:
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return 0
    torch = Path(spec.origin).parent
    folders = [torch / "lib", torch.parent / "nvidia"]
    return sum(file.stat().st_size for folder in folders for file in folder.rglob("*.so*") if file.is_file())
