"""Text written by others, made fit to be shown: one line, cut, and without what looks like a credential. Pure and total."""

import re
from typing import Final

from zerotouch.plan.render import cut

_HIDDEN: Final = "***"
_PATTERNS: Final = (
    (re.compile(r"\beyJ[\w-]*(?:\.[\w-]*){0,2}"), _HIDDEN),
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"',;]+"), rf"\1 {_HIDDEN}"),
    (
        re.compile(
            r"(?i)([\w-]*(?:authorization|token|passw|secret|api[-_]?key)[\w-]*[\"']?\s*[:=]\s*[\"']?)[^\s\"',;]+"
        ),
        rf"\1{_HIDDEN}",
    ),
    (re.compile(r"(?i)(external[-_ ]?id\w*[\"']?\s*[:=]?\s*[\"']?)[^\s\"',;:=]+"), rf"\1{_HIDDEN}"),
    (re.compile(r"[A-Za-z0-9+_=-]{40,}"), _HIDDEN),
)
_BLANK: Final = re.compile(r"[\s\x00-\x1f\x7f]+")


def redact(text: str, limit: int) -> str:
    """At most `limit` characters. Hides too much rather than too little: use it for explanations, never for values."""
    shown = _BLANK.sub(" ", text[: 4 * limit]).strip()
    for pattern, instead in _PATTERNS:
        shown = pattern.sub(instead, shown)
    return cut(shown, limit)
