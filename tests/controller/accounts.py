"""Declarations and reports of one account, for tests of what the controller makes of them."""

from typing import Any

from zerotouch.api.account import QualysZeroTouchAccountSpec, State
from zerotouch.reconcile.report import AccountReport, Problem, ScopeReport, Surveyed


def account_spec(**sections: Any) -> QualysZeroTouchAccountSpec:
    """A valid spec; `sections` in the API's words."""
    return QualysZeroTouchAccountSpec.model_validate(
        {
            "accountID": "111111111111",
            "parent": {"name": "production", "uid": "u-1"},
            "access": {"roleARN": "arn:aws:iam::111111111111:role/zerotouch", "stsRegion": "us-east-1"},
            "gatewayURL": "https://gateway.example.com",
            "regions": {"names": ["us-east-1"]},
            "inventory": {},
            "delivery": {},
            "deletionPolicy": "Retain",
            "interval": "5m",
            "namePrefix": "qualys-zerotouch",
            **sections,
        }
    )


def surveyed_report(survey: str, problem: Problem | None, regions: dict[str, Surveyed | None]) -> AccountReport:
    """Regions by name, with _ for -; None where the survey did not run."""
    scopes = tuple(
        ScopeReport(name.replace("_", "-"), State.READY, hash="h", total=4, surveys={survey: s} if s else {})
        for name, s in regions.items()
    )
    return AccountReport("111111111111", scopes, problem)
