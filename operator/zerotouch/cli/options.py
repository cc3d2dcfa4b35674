"""Options that several commands share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import click

_F = TypeVar("_F", bound=Callable[..., Any])
Form = Literal["text", "json", "yaml"]


@dataclass(frozen=True)
class Cluster:
    """Which cluster, by the chain that kubectl follows where nothing is given; `namespace` None: the context's."""

    kubeconfig: str | None = None
    context: str | None = None
    namespace: str | None = None


@dataclass(frozen=True)
class Identity:
    """Whose AWS credentials, by the chain that the AWS CLI follows where nothing is given."""

    profile: str | None = None
    region: str | None = None


def output_option(*forms: Form) -> Callable[[_F], _F]:
    """`-o`; the first form is the default. Passes `output`."""
    return click.option(
        "-o", "--output", type=click.Choice(forms), default=forms[0], show_default=True, help="Form of the output."
    )


def cluster_options(function: _F) -> _F:
    """`--kubeconfig`, `--context`, `-n`; `cluster(options)` makes a Cluster of them."""
    for option in (
        click.option("-n", "--namespace", metavar="NAME", help="Namespace; default: that of the context."),
        click.option("--context", metavar="NAME", help="Context of the kubeconfig; default: the current one."),
        click.option("--kubeconfig", metavar="FILE", type=click.Path(), help="Default: KUBECONFIG, ~/.kube/config."),
    ):
        function = option(function)
    return function


def aws_options(function: _F) -> _F:
    """`--profile`, `--region`: passed by these names."""
    for option in (
        click.option("--region", metavar="REGION", help="AWS region; default: AWS_REGION, the profile's."),
        click.option("--profile", metavar="NAME", help="AWS profile; default: as the AWS CLI does."),
    ):
        function = option(function)
    return function


def yes_option(function: _F) -> _F:
    """`--yes`, without which a command that changes something asks. Passes `yes`."""
    return click.option("-y", "--yes", is_flag=True, help="Do not ask.")(function)


def file_option(required: bool = True) -> Callable[[_F], _F]:
    """`-f`, and `--name`, which chooses one of several objects in it. Passes `file` and `name`."""

    def add(function: _F) -> _F:
        for option in (
            click.option("--name", metavar="NAME", help="Which of several objects in the file."),
            click.option(
                "-f", "--file", type=click.Path(), required=required, help="File with a QualysZeroTouch; - for stdin."
            ),
        ):
            function = option(function)
        return function

    return add
