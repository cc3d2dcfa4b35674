"""Options that several commands share."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

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


class Matching(click.ParamType[str]):
    """Text of a form. `placeholder` stands for one where nothing is given."""

    def __init__(self, name: str, pattern: str, wanted: str, placeholder: str = "") -> None:
        self.name = name
        self._pattern, self._wanted, self._placeholder = re.compile(pattern, re.ASCII), wanted, placeholder

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value != self._placeholder and not self._pattern.fullmatch(value):
            self.fail(f"{value!r} is not {self._wanted}", param, ctx)
        return value


_DIGITS: Final = ("[0-9]{12}", "an account id, which has 12 digits")
ACCOUNT_ID: Final = Matching("account", *_DIGITS)
ACCOUNT_ID_OR_NONE: Final = Matching("account", *_DIGITS, placeholder="ACCOUNT_ID")
NAME_PREFIX: Final = Matching("prefix", "[A-Za-z][A-Za-z0-9-]{2,31}", "3 to 32 letters, digits and dashes")
ROLE_NAME: Final = Matching("role", r"[\w+=,.@-]{1,64}", "the name of a role, without its path")
PARTITION: Final = click.Choice(["aws", "aws-cn", "aws-us-gov"])


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
