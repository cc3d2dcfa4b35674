"""What `kubectl describe` says of an account; the same is in docs/describe.md.

WRITE_DOCS=1 writes it there.
"""

import json
import os
import re
from typing import Any, Final

from sandbox.deployment import ROOT, Replica
from tests.e2e.tenant import EXTERNAL_ID, OBJECT, Tenant
from tests.e2e.test_detection import Person, disable_rule, recent, remove_target, watched

PAGE: Final = ROOT / "docs" / "describe.md"
WRITE: Final = "WRITE_DOCS"
FIELD_HASHES: Final = re.compile(r"(?m)^( {6}[A-Za-z ]+: +)([\w-]{20,})$")
HASH: Final = re.compile(r"(?:Hash|Plan|Token|Token Fingerprint): +([0-9a-f]{12,16})\n")
BLOCK: Final = re.compile(r"(```text\n).*?(\n```)", re.DOTALL)


def test_the_account_in_the_documentation(operator: Replica, tenant: Tenant) -> None:
    account = watched(tenant)
    child = f"{OBJECT}-{account}"
    alice = Person(tenant, account)
    remove_target(alice)
    tenant.wait(lambda: len(recent(tenant, account)) == 1)
    tenant.ready(child, "qzta")
    tenant.patch({"mode": "Observe"})
    tenant.wait(lambda: tenant.child(account)["status"].get("observedGeneration") == 2)
    disable_rule(alice)
    tenant.wait(lambda: bool(details(tenant, account)) and "RuleDisabled" in told(tenant))
    found = normalized(in_order(tenant.kubectl("describe", "qzta", child), tenant), tenant, account)
    if os.environ.get(WRITE):
        PAGE.write_text(BLOCK.sub(lambda block: f"{block[1]}{found}{block[2]}", PAGE.read_text(), count=1))
    block = BLOCK.search(PAGE.read_text())
    assert block is not None
    assert found == block[0].removeprefix(block[1]).removesuffix(block[2]), f"out of date: {WRITE}=1 writes it"


def details(tenant: Tenant, account: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tenant.child(account)["status"].get("details", [])
    return found


def told(tenant: Tenant) -> str:
    return tenant.kubectl("get", "events")


def in_order(text: str, tenant: Tenant) -> str:
    """With its events in the order in which they were told; kubectl leaves open the order of those of one second."""
    shown, title, events = text.strip().partition("\nEvents:\n")
    items = json.loads(tenant.kubectl("get", "events", "-o", "json"))["items"]
    items = [item for item in items if item["involvedObject"]["kind"] == "QualysZeroTouchAccount"]
    order = [item["message"] for item in sorted(items, key=lambda item: int(item["metadata"]["resourceVersion"]))]
    header, lines = events.splitlines()[:2], events.splitlines()[2:]
    lines.sort(key=lambda line: next(n for n, message in enumerate(order) if line.endswith(message)))
    return "\n".join([shown, title.strip(), *header, *lines])


def normalized(text: str, tenant: Tenant, account: str) -> str:
    """Without what is another each time."""
    for number, found in enumerate(dict.fromkeys(HASH.findall(text)), start=1):
        text = text.replace(found, f"{number:x}" * len(found))
    text = FIELD_HASHES.sub(lambda line: f"{line[1]}{'x' * len(line[2])}", text)
    for old, new in (
        (account, "111111111111"),
        (tenant.namespace, "security"),
        (tenant.world.gateway_url, "https://gateway.qg2.apps.qualys.com"),
        ("from 127.0.0.1", "from 203.0.113.7"),
        (EXTERNAL_ID, "5f1c9e-zerotouch"),
    ):
        text = text.replace(old, new)
    for pattern, new in (
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|\+00:00)", "2026-01-02T03:04:05Z"),
        (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "6c1f0c2e-8a55-4b7e-9d3e-000000000001"),
        (r"(Resource Version: +)\d+", r"\g<1>4711"),
        (r"(zerotouch.dev/slot=)\d+", r"\g<1>17"),
    ):
        text = re.sub(pattern, new, text)
    shown, title, events = text.strip().partition("\nEvents:\n")
    return "\n".join([*map(str.rstrip, shown.splitlines()), title.strip("\n"), *map(event, events.splitlines())])


def event(line: str) -> str:
    """One line of the events' table; how long ago it was is another each time."""
    kind, reason, age, source, message = re.split(r" {2,}", line.strip(), maxsplit=4)
    age = "5s" if age[0].isdigit() else age
    return f"  {kind:7}  {reason:12}  {age:4}  {source:9}  {message}".rstrip()
