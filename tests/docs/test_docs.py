"""What the documentation says is what there is."""

import re
from pathlib import Path

import pytest
import yaml

from zerotouch.api.conditions import Reason
from zerotouch.api.zerotouch import QualysZeroTouchSpec
from zerotouch.cli.exits import Exit
from zerotouch.cli.main import COMMANDS
from zerotouch.controller.stats import Stats

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SOURCE = "\n".join(path.read_text() for path in (ROOT / "operator").rglob("*.py"))


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [t for t in targets if not (page.parent / t).exists()] == []


def test_decisions_are_numbered_once_and_by_their_titles() -> None:
    pages = sorted((ROOT / "docs/decisions").glob("*.md"))
    numbers = [int(page.name.partition("-")[0]) for page in pages]
    assert numbers == list(range(1, len(pages) + 1))
    assert [page.read_text().partition(". ")[0] for page in pages] == [f"# {number}" for number in numbers]


def test_the_object_in_the_readme_is_valid() -> None:
    (block,) = blocks("README.md", "yaml")
    QualysZeroTouchSpec.model_validate(yaml.safe_load(block)["spec"])


def test_the_sample_is_valid() -> None:
    sample = yaml.safe_load((ROOT / "deploy/samples/qualyszerotouch.yaml").read_text())
    QualysZeroTouchSpec.model_validate(sample["spec"])


def test_every_setting_is_documented_and_no_other() -> None:
    pages = (ROOT / "docs/settings.md").read_text() + (ROOT / "docs/cli.md").read_text()
    documented = set(re.findall(r"`(ZEROTOUCH_[A-Z_]+)`", pages))
    assert documented == set(re.findall(r'"(ZEROTOUCH_[A-Z_]+)"', SOURCE))


def test_every_exit_status_is_documented() -> None:
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", (ROOT / "docs/cli.md").read_text(), re.MULTILINE)
    assert rows == [(str(status.value), status.text) for status in Exit]


def test_every_command_is_documented() -> None:
    rows = re.findall(r"^\| `([a-z]+)` \|", (ROOT / "docs/cli.md").read_text(), re.MULTILINE)
    assert rows == list(COMMANDS)


def test_every_metric_is_documented_and_no_other() -> None:
    collector = "\n".join(path.read_text() for path in (ROOT / "operator/zerotouch/telemetry").glob("*.py"))
    counters = {
        f"{name}_total" for name in re.findall(r'(?:_counter|CounterMetricFamily)\(\s*"(zerotouch_\w+)"', collector)
    }
    counters |= {f"{name}_total" for name in re.findall(r'\("(zerotouch_drift_\w+)"', collector)}
    gauges = set(re.findall(r'GaugeMetricFamily\(\s*"(zerotouch_\w+)"', collector))
    documented = set(re.findall(r"^\| `(zerotouch_\w+)`", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE))
    stats = Stats()
    histograms = (stats.pass_seconds, stats.detect_seconds, stats.repair_seconds, stats.detection.age_seconds)
    assert documented == counters | gauges | {histogram.describe()[0].name for histogram in histograms}


def test_every_reason_of_an_aws_error_is_documented() -> None:
    source = (ROOT / "operator/zerotouch/aws/classify.py").read_text()
    given = {Reason[name].value for name in re.findall(r"Reason\.([A-Z_]+)", source)}
    documented = set(re.findall(r"^\| `([A-Za-z]+)` \|", (ROOT / "docs/aws-errors.md").read_text(), re.MULTILINE))
    assert documented == given


def test_make_targets_that_are_mentioned_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    mentioned = {name for page in PAGES for name in re.findall(r"`make ([a-z-]+)", page.read_text())}
    assert mentioned <= targets
