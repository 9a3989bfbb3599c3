"""Walks Cedar's syntax trees."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass

from cedarpy import pst


def walk(node: pst.PstNode) -> Iterator[object]:
    """Walk a tree: every node in it, and the node itself. Not recursive, so no depth can exhaust the stack."""
    todo: list[object] = [node]
    while todo:
        part = todo.pop()
        if isinstance(part, Mapping):
            todo.extend(part.values())
        elif isinstance(part, tuple):
            todo.extend(part)
        elif is_dataclass(part) and not isinstance(part, type):
            yield part
            todo.extend(getattr(part, field.name) for field in fields(part))
