"""Every field that a kind wants, and every request member that makes it, can be broken by a test of drift."""

import pytest

from tests.reconcile.drift.kinds import KINDS
from tests.reconcile.drift.model import KindDrift, leaves, sent
from tests.reconcile.drift.table import PAGE, fill
from zerotouch.plan.change import lies_below
from zerotouch.resources.registry import ACCOUNT_KINDS, REGION_KINDS

each_kind = pytest.mark.parametrize("drift", KINDS, ids=lambda drift: drift.name)


def test_every_kind_has_its_file() -> None:
    assert list(dict.fromkeys(d.kind.name for d in KINDS)) == [k.name for k in (*ACCOUNT_KINDS, *REGION_KINDS)]


@each_kind
def test_every_field_is_broken(drift: KindDrift) -> None:
    wanted = leaves(drift)
    broken = {leaf for leaf in wanted if any(lies_below(b.field, leaf) for b in drift.breaks)}
    assert sorted(set(wanted) - broken) == sorted(drift.unbroken)
    assert any(b.field == "exists" for b in drift.breaks)


@each_kind
def test_every_member_that_is_sent_is_compared(drift: KindDrift) -> None:
    assert sent(drift) == set(drift.sent)
    fields = {leaf.split(".")[0] for leaf in leaves(drift)}
    compared = {f for said in drift.sent.values() if not said.startswith("(") for f in said.split(",")}
    assert compared <= fields


def test_the_table_in_the_docs_is_fresh() -> None:
    assert fill(PAGE.read_text()) == PAGE.read_text(), "run `make generate`"
