"""Tests that the tree of errors in the docstring of ``domain.errors`` is that of its classes."""

from tusd_py.domain import errors


def _tree(kind: type[errors.TusdError], depth: int = 0) -> list[str]:
    lines = [f"{'  ' * depth}- {kind.__name__}"]
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            lines += _tree(child, depth + 1)
    return lines


def test_the_drawn_tree_is_the_tree_of_classes() -> None:
    drawn = (errors.__doc__ or "").partition("The tree of errors:\n\n")[2]
    assert drawn.splitlines() == _tree(errors.TusdError)
