"""As much of Terraform as the shipped modules need: reads HCL, evaluates its expressions, and makes its resources.

`terraform` itself cannot be had from the package registries. What each resource does with its arguments follows the
documentation of the provider hashicorp/aws, not the code under test.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import hcl2

_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|&&|\|\||==|!=|<=|>=|[A-Za-z_][\w-]*|\d+|[\[\]{}(),.:?=<>])')
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "jsonencode": json.dumps,
    "toset": lambda values: sorted(set(values)),
    "length": len,
    "setsubtract": lambda values, less: sorted(set(values) - set(less)),
    "compact": lambda values: [value for value in values if value],
    "contains": lambda values, value: value in values,
    "regex": lambda pattern, text: re.search(pattern, text)[0],  # type: ignore[index]
}


class Unresolved(Exception):
    """A reference to a resource that does not exist yet."""


class Expressions:
    """Evaluates one expression in a scope of names."""

    def __init__(self, text: str, scope: Mapping[str, Any]) -> None:
        self._tokens = _TOKEN.findall(text)
        self._scope, self._at = dict(scope), 0

    def value(self) -> Any:
        left = self._or()
        if self._take("?"):
            yes = self.value()
            self._expect(":")
            no = self.value()
            return yes if left else no
        return left

    def _or(self) -> Any:
        left = self._and()
        while self._take("||"):
            right = self._and()
            left = left or right
        return left

    def _and(self) -> Any:
        left = self._compared()
        while self._take("&&"):
            right = self._compared()
            left = left and right
        return left

    def _compared(self) -> Any:
        left = self._primary()
        for sign, test in (
            ("==", lambda a, b: a == b),
            ("!=", lambda a, b: a != b),
            ("<=", lambda a, b: a <= b),
            (">=", lambda a, b: a >= b),
            (">", lambda a, b: a > b),
        ):
            if self._take(sign):
                return test(left, self._primary())
        return left

    def _primary(self) -> Any:
        token = self._tokens[self._at]
        self._at += 1
        if token == "[":
            return self._for() if self._take("for") else self._items()
        if token == "{":
            return dict(self._entries())
        if token.startswith('"'):
            return template(token, self._scope)
        if token.isdigit():
            return int(token)
        if token in {"true", "false", "null"}:
            return {"true": True, "false": False, "null": None}[token]
        if self._take("("):
            return self._call(token)
        return self._path(token)

    def _call(self, name: str) -> Any:
        if name == "can":
            try:
                self.value()
            except TypeError:
                self._skip()
                return False
            self._expect(")")
            return True
        arguments = []
        while not self._take(")"):
            arguments.append(self.value())
            self._take(",")
        return _FUNCTIONS[name](*arguments)

    def _skip(self) -> None:
        """To the end of `can(`, whose inside broke off after its last argument."""
        while not self._take(")"):
            self._at += 1

    def _path(self, name: str) -> Any:
        found = self._step(self._scope, name)
        while True:
            if self._take("."):
                found = self._step(found, self._tokens[self._at])
                self._at += 1
            elif self._take("["):
                found = self._step(found, self.value())
                self._expect("]")
            else:
                return found

    @staticmethod
    def _step(found: Any, key: Any) -> Any:
        try:
            return found[key]
        except (KeyError, IndexError):
            raise Unresolved(str(key)) from None

    def _items(self) -> list[Any]:
        items = []
        while not self._take("]"):
            items.append(self.value())
            self._take(",")
        return items

    def _for(self) -> list[Any]:
        name = self._tokens[self._at]
        self._at += 1
        self._expect("in")
        values = self.value()
        self._expect(":")
        start, results = self._at, []
        for value in values:
            self._at, self._scope[name] = start, value
            results.append(self.value())
        self._expect("]")
        return results

    def _entries(self) -> Iterator[tuple[str, Any]]:
        while not self._take("}"):
            key = self._tokens[self._at].strip('"')
            self._at += 1
            if not self._take("="):
                self._expect(":")
            yield key, self.value()
            self._take(",")

    def _take(self, token: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == token:
            self._at += 1
            return True
        return False

    def _expect(self, token: str) -> None:
        assert self._take(token), f"{token} is missing at {self._tokens[self._at : self._at + 5]}"


def template(quoted: str, scope: Mapping[str, Any]) -> str:
    """A quoted text with `${…}` in it."""
    text: str = json.loads(quoted)
    return re.sub(r"\$\{([^}]+)\}", lambda match: str(Expressions(match[1], scope).value()), text)


def evaluated(parsed: Any, scope: Mapping[str, Any]) -> Any:
    """What python-hcl2 read, with every expression evaluated."""
    match parsed:
        case list():
            return [evaluated(item, scope) for item in parsed]
        case dict():
            return {k.strip('"'): evaluated(v, scope) for k, v in parsed.items() if k != "__is_block__"}
        case str() if parsed.startswith("${"):
            return Expressions(parsed[2:-1], scope).value()
        case str():
            return template(parsed, scope)
    return parsed


@dataclass
class Module:
    """A parsed module, and what was made of it: address → attributes, by `count.index` or `each.key` where there are many."""

    text: str
    made: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.parsed = hcl2.loads(self.text)

    def variables(self) -> dict[str, dict[str, Any]]:
        return {n.strip('"'): body for block in self.parsed["variable"] for n, body in block.items()}

    def inputs(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """With the defaults; raises ValueError, as a validation says, or where a variable without default is not given."""
        values = {}
        for name, body in self.variables().items():
            if name not in given and "default" not in body:
                raise ValueError(f"{name} is not given")
            values[name] = given[name] if name in given else evaluated(body["default"], {})
        for body in self.variables().values():
            for validation in body.get("validation", []):
                if not evaluated(validation["condition"], {"var": values}):
                    raise ValueError(json.loads(validation["error_message"]))
        return values

    def resources(self) -> list[tuple[str, str, dict[str, Any]]]:
        """(type, name, body)"""
        return [
            (sort.strip('"'), name.strip('"'), body)
            for block in self.parsed["resource"]
            for sort, named in block.items()
            for name, body in named.items()
        ]

    def apply(
        self, make: Callable[[str, dict[str, Any]], dict[str, Any]], account: str, given: Mapping[str, Any]
    ) -> None:
        """Make everything; what refers to something is made after it."""
        scope: dict[str, Any] = {
            "var": self.inputs(given),
            "data": {
                "aws_partition": {"current": {"partition": "aws"}},
                "aws_caller_identity": {"current": {"account_id": account}},
            },
        }
        left = self.resources()
        while left:
            later = [r for r in left if not self._made(make, scope, *r)]
            assert len(later) < len(left), f"these refer to what does not exist: {[r[:2] for r in later]}"
            left = later

    def _made(self, make: Any, scope: dict[str, Any], sort: str, name: str, body: dict[str, Any]) -> bool:
        if any(f"{sort}.{name}" != address and address not in self.made for address in _awaited(body)):
            return False
        arguments = {k: v for k, v in body.items() if k not in {"count", "for_each", "depends_on"}}
        instances: dict[Any, Any] = {}
        try:
            for key, one in _instances(body, {**scope, **self._scope()}):
                found = {**scope, **self._scope(), **one}
                instances[key] = make(sort, evaluated(arguments, found))
        except Unresolved:
            assert not instances, f"{sort}.{name} was made in part"
            return False
        self.made[f"{sort}.{name}"] = instances.get(None, instances)
        return True

    def _scope(self) -> dict[str, Any]:
        tree: dict[str, Any] = {}
        for address, attributes in self.made.items():
            sort, name = address.split(".")
            tree.setdefault(sort, {})[name] = attributes
        return tree


def _awaited(body: Mapping[str, Any]) -> list[str]:
    return [str(a).removeprefix("${").removesuffix("}") for a in body.get("depends_on", [])]


def _instances(body: Mapping[str, Any], scope: dict[str, Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
    if "count" in body:
        yield from ((index, {}) for index in range(evaluated(body["count"], scope)))
    elif "for_each" in body:
        yield from ((key, {"each": {"key": key, "value": key}}) for key in evaluated(body["for_each"], scope))
    else:
        yield None, {}
