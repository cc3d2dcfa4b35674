"""YAML as Kubernetes reads it: no key twice, no dates, no numbers of base 60."""

import re
from collections.abc import Hashable
from typing import Any, Final

import yaml


class NotYAML(ValueError):
    """The text is no YAML; the message names the line."""


class _Loader(yaml.SafeLoader):
    """Go's YAML reads digits with a leading zero as a number, and neither dates nor 1:30 as anything but text."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != f"{_TAG}merge":
                if key.value in seen:
                    raise NotYAML(f"line {key.start_mark.line + 1}: key {key.value!r} stands twice")
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def _number(loader: _Loader, node: yaml.ScalarNode) -> int | float:
    text = loader.construct_scalar(node).replace("_", "")
    try:
        return int(text, 0)
    except ValueError:
        return float(text)


_TAG: Final = "tag:yaml.org,2002:"
_INTEGER: Final = f"{_TAG}int"
# Of these JSON has no values.
_FOREIGN: Final = frozenset(f"{_TAG}{name}" for name in ("binary", "omap", "pairs", "set", "timestamp"))
_Loader.yaml_constructors = {
    tag: make for tag, make in yaml.SafeLoader.yaml_constructors.items() if tag not in _FOREIGN
}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag not in {_INTEGER, f"{_TAG}timestamp"}]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    _INTEGER, re.compile(r"[-+]?(0b[01]+|0o?[0-7]+|0x[0-9a-fA-F]+|[0-9][0-9_]*)$"), list("-+0123456789")
)
_Loader.add_constructor(_INTEGER, _number)


def load_documents(text: str) -> list[Any]:
    """The documents that are not empty. Raises NotYAML."""
    try:
        return [document for document in yaml.load_all(text, _Loader) if document is not None]
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise NotYAML(f"{line}{error.problem}") from None
    except yaml.YAMLError as error:
        raise NotYAML(str(error).splitlines()[0]) from None
    except NotYAML:
        raise
    except (ValueError, OverflowError):
        raise NotYAML("it holds a value that is not of the type that its tag names") from None
    except RecursionError:
        raise NotYAML("it is nested too deeply") from None
