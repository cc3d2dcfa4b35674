"""YAML as Kubernetes reads it: no key twice, no dates, no numbers of base 60."""

import math
import re
from collections.abc import Hashable
from typing import Any, Final

import yaml


class NotYAML(ValueError):
    """The text is no YAML; the message names the line."""


class _Loader(yaml.SafeLoader):
    """Numbers and truth values as Go's YAML takes them, and neither dates nor 1:30 as anything but text."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != f"{_TAG}merge":
                if key.value in seen:
                    raise NotYAML(f"line {key.start_mark.line + 1}: key {key.value!r} stands twice")
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def _number(loader: _Loader, node: yaml.ScalarNode) -> int | float | str:
    """As strconv.ParseInt with base 0 takes it, else ParseFloat; a whole one is written without a point in JSON."""
    text = loader.construct_scalar(node)
    digits = text.replace("_", "")
    try:
        number: int | float = int(_OCTAL.sub(r"\g<1>0o", digits), 0)
    except ValueError:
        number = float(digits)
    if isinstance(number, int):
        return number if -(2**63) <= number < 2**63 else float(number)
    if math.isinf(number):
        return text
    return int(number) if number.is_integer() and abs(number) < _MOST_WHOLE else number


def _truth(loader: _Loader, node: yaml.ScalarNode) -> bool:
    return loader.construct_scalar(node).lower() in {"y", "yes", "true", "on"}


_TAG: Final = "tag:yaml.org,2002:"
_INTEGER, _FLOAT, _BOOL = f"{_TAG}int", f"{_TAG}float", f"{_TAG}bool"
_OCTAL: Final = re.compile(r"^([-+]?)0(?=[0-7]+$)")
# encoding/json writes larger ones with an exponent.
_MOST_WHOLE: Final = 1e21
# Of these JSON has no values.
_FOREIGN: Final = frozenset(f"{_TAG}{name}" for name in ("binary", "omap", "pairs", "set", "timestamp"))
_Loader.yaml_constructors = {
    tag: make for tag, make in yaml.SafeLoader.yaml_constructors.items() if tag not in _FOREIGN
}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag not in {_INTEGER, _FLOAT, _BOOL, f"{_TAG}timestamp"}]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_INTEGERS: Final = r"[-+]?(0[bB][01_]+|0[oO]?[0-7_]+|0[xX][0-9a-fA-F_]+|[0-9][0-9_]*)$"
_FLOATS: Final = r"[-+]?(\.[0-9][0-9_]*|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?$"
_Loader.add_implicit_resolver(_INTEGER, re.compile(_INTEGERS), list("-+0123456789"))
_Loader.add_implicit_resolver(_FLOAT, re.compile(_FLOATS), list("-+.0123456789"))
_TRUTHS: Final = "|".join(f"{w}|{w.title()}|{w.upper()}" for w in ("y", "n", "yes", "no", "true", "false", "on", "off"))
_Loader.add_implicit_resolver(_BOOL, re.compile(f"({_TRUTHS})$"), list("yYnNtTfFoO"))
_Loader.add_constructor(_INTEGER, _number)
_Loader.add_constructor(_FLOAT, _number)
_Loader.add_constructor(_BOOL, _truth)


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
