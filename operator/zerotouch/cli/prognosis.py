"""What `doctor` says: every target in a line, the worst first, and the whole chain of one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from zerotouch.cli.chain import Answer, Link, Target, chain, first_broken

_SIGNS: Final = {Answer.GOOD: "ok", Answer.WARNING: "!", Answer.BROKEN: "BROKEN", Answer.UNKNOWN: "?"}
_SIGN_WIDTH: Final = 6
_NAME_WIDTH: Final = 21


@dataclass(frozen=True)
class Diagnosis:
    """One account and region."""

    account: str
    region: str
    links: Sequence[Link]

    @property
    def broken(self) -> Link | None:
        """The first broken link."""
        return first_broken(self.links)

    @property
    def warnings(self) -> list[Link]:
        """What is not broken, and not as it should be either."""
        return [link for link in self.links if link.answer is Answer.WARNING]

    @property
    def place(self) -> str:
        return f"{self.account}/{self.region}"


def diagnose(targets: Sequence[Target]) -> list[Diagnosis]:
    """The broken ones first, those that break earliest in the chain before the others."""
    now = datetime.now(UTC)
    found = [Diagnosis(t.report.account_id, t.region, chain(t, now)) for t in targets]
    return sorted(found, key=_severity)


def lines(diagnoses: Sequence[Diagnosis]) -> Iterator[str]:
    """For people."""
    if len(diagnoses) > 1:
        yield from (_short(d) for d in diagnoses)
        yield ""
    yield from _whole(diagnoses[0])


def data(diagnoses: Sequence[Diagnosis]) -> list[dict[str, Any]]:
    """As plain values."""
    return [
        {
            "account": d.account,
            "region": d.region,
            "firstBroken": d.broken.name if d.broken else None,
            "links": [
                {"name": k.name, "answer": k.answer.value, "evidence": k.evidence}
                | ({"mend": k.mend} if k.mend else {})
                for k in d.links
            ],
        }
        for d in diagnoses
    ]


def _severity(diagnosis: Diagnosis) -> tuple[bool, int, str]:
    broken = diagnosis.broken
    return broken is None, diagnosis.links.index(broken) if broken else -len(diagnosis.warnings), diagnosis.place


def _short(diagnosis: Diagnosis) -> str:
    broken = diagnosis.broken
    if broken is not None:
        return f"{diagnosis.place}  {_SIGNS[Answer.BROKEN]}  {broken.name}: {broken.evidence}"
    told = [f"! {link.name}: {link.evidence}" for link in diagnosis.warnings]
    unknown = [link.name for link in diagnosis.links if link.answer is Answer.UNKNOWN]
    told += [f"(not known: {', '.join(unknown)})"] if unknown else []
    return "  ".join([diagnosis.place, "ok", *told])


def _whole(diagnosis: Diagnosis) -> Iterator[str]:
    yield diagnosis.place
    for link in diagnosis.links:
        yield f"  {_SIGNS[link.answer]:<{_SIGN_WIDTH}}  {link.name:<{_NAME_WIDTH}}  {link.evidence}".rstrip()
    broken = diagnosis.broken
    yield ""
    if broken is None:
        yield "No link is broken."
    else:
        yield f"First broken link: {broken.name}: {broken.evidence}"
        yield f"What to do: {broken.mend}"
    for link in diagnosis.warnings:
        yield f"Warning: {link.name}: {link.evidence}"
        yield f"What to do: {link.mend}"
