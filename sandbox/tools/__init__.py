"""Tools of the field, built from their Go modules."""

from pathlib import Path
from typing import Final

from sandbox.gobuild import GoProgram

_HERE: Final = Path(__file__).parent
_PACKAGE: Final = "github.com/prometheus/prometheus/cmd"

# Without service discovery, which holds the clients of a dozen clouds.
PROMTOOL: Final = GoProgram("promtool", "promtool", _HERE, f"{_PACKAGE}/promtool", tags="remove_all_sd")
PROMETHEUS: Final = GoProgram("prometheus", "Prometheus", _HERE, f"{_PACKAGE}/prometheus", tags="remove_all_sd")
