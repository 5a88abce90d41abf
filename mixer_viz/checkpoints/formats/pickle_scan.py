"""What a pickle would build, found out from its opcodes before anything is built.

Torch's weights-only reader runs no code of a file's, but it builds what the file says: 359 bytes are enough for a key
of a dictionary that takes 2^60 steps to hash, and a few for a byte array of any size. So the opcodes are walked through
first, with stand-ins for the values. What is left to torch has keys that are plain values, calls nothing but what makes
tensors and the containers below, reads no more numbers than the file stores, and is short.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from typing import IO, Any, Protocol, cast

from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.checkpoints.formats.pickle_names import (
    CONTAINERS,
    ENCODE,
    IGNORES_ARGUMENTS,
    INERT_NAMES,
    REBUILDING,
    STORAGE_BYTES,
    may_be_named,
    modern_name,
)
from mixer_viz.checkpoints.formats.pickle_values import Atom, Box, Damaged, Made, Name, Storage, Tuple
from mixer_viz.language import mark, noted
from mixer_viz.model.wording import shown

MAX_OPCODES = 200_000  # 5000 tensors, the most that are accepted, take about 35 each
MAX_CALLS = 20_000  # one or two for each tensor
MAX_DEPTH = 32  # of tuples within each other
MAX_LEAVES = 10_000  # of a tuple with those inside of it, each as often as it is there: what hashing it would visit

UNSAFE = mark(
    "This file holds Python objects that could run code ({name}), so it is not opened; "
    "save only the model's state dict, best as .safetensors."
)
TOO_LONG = mark(
    "This PyTorch file describes more than {most:,} {what}, far more than the tensors of a Mixer need; "
    "save only the model's state dict."
)
BAD_KEY = noted(
    "This PyTorch file has a dictionary or set with keys that are neither texts nor numbers; "
    "save only the model's state dict."
)


class Bytes(Protocol):
    """What a pickle is read from."""

    def read(self, count: int, /) -> bytes: ...

    def readline(self) -> bytes: ...


def scan(stream: Bytes) -> list[Storage]:
    """Walk through one pickle, up to and with its last opcode, and return the storages that it asks for.

    Raises CheckpointError for what could run code or is past the bounds, and Damaged for a broken stream.
    """
    machine = _Machine()
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(cast(IO[bytes], stream))):
            if count >= MAX_OPCODES:
                raise CheckpointError(noted(TOO_LONG, most=MAX_OPCODES, what=noted("steps")))
            step = _STEPS.get(opcode.name)
            if step is None:
                raise Damaged(f"opcode {opcode.name}")
            step(machine, argument)
    except (ValueError, IndexError, KeyError, AttributeError, TypeError, UnicodeError) as exc:
        if isinstance(exc, CheckpointError):
            raise
        raise Damaged(str(exc)) from exc
    return machine.storages


class _Machine:
    """The stack and memo of one pickle, with stand-ins in them."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.storages: list[Storage] = []
        self.calls = 0

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def mark(self) -> None:
        self.marks.append(self.stack)
        self.stack = []

    def since_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.marks.pop()
        return items

    def make_tuple(self, items: list[Any]) -> None:
        made = Tuple(tuple(items))
        if made.depth > MAX_DEPTH:
            raise CheckpointError(noted(TOO_LONG, most=MAX_DEPTH, what=noted("tuples within each other")))
        if made.leaves > MAX_LEAVES:
            raise CheckpointError(noted(TOO_LONG, most=MAX_LEAVES, what=noted("entries in one tuple")))
        self.push(made)

    def last(self, count: int) -> list[Any]:
        items = self.stack[-count:]
        del self.stack[-count:]
        if len(items) < count:
            raise Damaged("the stack is empty")
        return items

    def append(self, items: list[Any]) -> None:
        box = self.stack[-1]
        if box.kind != "list":
            raise Damaged("only lists are appended to")
        box.plain = box.plain and all(type(item) is Atom for item in items)

    def set_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if not (isinstance(target, Box) and target.kind == "dict"):
            raise Damaged("only dictionaries have items")
        if not all(type(key) is Atom for key in items[::2]):
            raise CheckpointError(BAD_KEY)

    def name(self, argument: str) -> None:
        full = modern_name(*argument.split(" ", 1))
        if not may_be_named(full):
            raise CheckpointError(noted(UNSAFE, name=shown(full, 60)))
        self.push(Name(full))

    def call(self) -> None:
        self.calls += 1
        if self.calls > MAX_CALLS:
            raise CheckpointError(noted(TOO_LONG, most=MAX_CALLS, what=noted("calls")))
        function, arguments = self.last(2)
        if type(function) is not Name or type(arguments) is not Tuple:
            raise CheckpointError(noted(UNSAFE, name=noted("a call of something without a name")))
        self.push(_result(function.full, arguments.items))

    def build(self) -> None:
        target, state = self.last(2)
        is_ordered = isinstance(target, Box) and target.kind == "dict" and isinstance(state, Box)
        if not is_ordered and not (type(target) is Made and target.by in INERT_NAMES):
            name = shown(target.by, 60) if type(target) is Made else noted("'a state for something else'")
            raise CheckpointError(noted(UNSAFE, name=name))
        self.push(target)

    def stored(self) -> None:
        (described,) = self.last(1)
        if type(described) is Atom and type(described.value) is int:  # the old form's list of storages
            self.push(Made("storage"))
            return
        kind, storage, key, place, count = described.items[:5]
        if not _all_plain((kind, key, place, count)) or kind.value != "storage" or type(storage) is not Name:
            raise Damaged("not a storage")
        view = described.items[5:]
        if not all(type(item) is Atom or (type(item) is Tuple and _all_plain(item.items)) for item in view):
            raise Damaged("not a view of a storage")
        if type(count.value) is not int or storage.full not in STORAGE_BYTES:
            raise Damaged("a storage of unknown size")
        self.storages.append(Storage(str(key.value), count.value * STORAGE_BYTES[storage.full]))
        self.push(Made("storage"))


def _all_plain(items: tuple[Any, ...]) -> bool:
    return all(type(item) is Atom for item in items)


def _result(name: str, arguments: tuple[Any, ...]) -> Any:
    """What stands for `name(*arguments)`; CheckpointError for a call that torch is not to make."""
    if name in INERT_NAMES:
        return Made(name)
    if name in CONTAINERS:
        # The items of the argument become keys. A dictionary's are known to be plain, a list's may not be.
        if name not in IGNORES_ARGUMENTS and not all(type(item) is Box and item.plain for item in arguments):
            raise CheckpointError(BAD_KEY)
        return Box(CONTAINERS[name])
    if name == ENCODE and _all_plain(arguments) and [item.value for item in arguments[1:]] == ["latin1"]:
        return _PLAIN_VALUE
    if name in REBUILDING and (name != _FROM_TYPE or _rebuilds_by_name(arguments)):
        return Made(name)
    raise CheckpointError(noted(UNSAFE, name=shown(name, 60)))


_FROM_TYPE = "torch._tensor._rebuild_from_type_v2"  # calls its first argument with its third


def _rebuilds_by_name(arguments: tuple[Any, ...]) -> bool:
    function = arguments[0]
    return type(function) is Name and function.full in REBUILDING and function.full != _FROM_TYPE


def _pushed(value: Any) -> Callable[[_Machine, Any], None]:
    return lambda machine, _: machine.push(value)


_PLAIN_VALUE = Atom()
_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": lambda machine, _: None,
    "STOP": lambda machine, _: machine.push(machine.stack.pop()),
    "MARK": lambda machine, _: machine.mark(),
    **dict.fromkeys(("NONE", "NEWTRUE", "NEWFALSE", "BINFLOAT"), _pushed(_PLAIN_VALUE)),
    "SHORT_BINSTRING": lambda machine, text: machine.push(Atom(text)),
    "BINUNICODE": lambda machine, text: machine.push(Atom(text[:200])),
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1"), lambda machine, number: machine.push(Atom(number))),
    "EMPTY_TUPLE": lambda machine, _: machine.make_tuple([]),
    "EMPTY_LIST": lambda machine, _: machine.push(Box("list")),
    "EMPTY_DICT": lambda machine, _: machine.push(Box("dict")),
    "EMPTY_SET": lambda machine, _: machine.push(Box("set")),
    "TUPLE": lambda machine, _: machine.make_tuple(machine.since_mark()),
    "TUPLE1": lambda machine, _: machine.make_tuple(machine.last(1)),
    "TUPLE2": lambda machine, _: machine.make_tuple(machine.last(2)),
    "TUPLE3": lambda machine, _: machine.make_tuple(machine.last(3)),
    "APPEND": lambda machine, _: machine.append(machine.last(1)),
    "APPENDS": lambda machine, _: machine.append(machine.since_mark()),
    "SETITEM": lambda machine, _: machine.set_items(machine.last(2)),
    "SETITEMS": lambda machine, _: machine.set_items(machine.since_mark()),
    "GLOBAL": lambda machine, names: machine.name(names),
    "REDUCE": lambda machine, _: machine.call(),
    "NEWOBJ": lambda machine, _: machine.call(),
    "BUILD": lambda machine, _: machine.build(),
    "BINPERSID": lambda machine, _: machine.stored(),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), lambda machine, index: machine.push(machine.memo[index])),
    **dict.fromkeys(
        ("BINPUT", "LONG_BINPUT"), lambda machine, index: machine.memo.__setitem__(index, machine.stack[-1])
    ),
}
