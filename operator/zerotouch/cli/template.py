"""`zerotouch template`: what the operator would make, and the role that it needs, as templates."""

from typing import Final

import click

from zerotouch.cli.options import file_option, output_option
from zerotouch.cli.output import emit

_WHAT: Final = {
    "target": "one account and region; with Terraform one account and its regions",
    "stack-set": "many accounts and regions, as a StackSet",
    "main-region": "the same, with one region that delivers for the others",
    "account-role": "the role that the operator assumes in an account",
}


@click.command()
@click.argument("what", type=click.Choice(list(_WHAT)), default="target", metavar="[WHAT]")
@file_option(required=False)
@click.option("--terraform", is_flag=True, help="A Terraform module instead of a CloudFormation template.")
@output_option("yaml", "json")
def command(what: str, file: str | None, name: str | None, terraform: bool, output: str) -> None:
    """Print a template that sets up AWS as the operator would.

    WHAT is one of

    \b
    target        one account and region (the default);
                  with --terraform one account and its regions
    stack-set     many accounts and regions, as a StackSet
    main-region   the same, with one region that delivers for all;
                  with --terraform one account and its regions
    account-role  the role that the operator assumes in an account

    With -f: as a QualysZeroTouch declares, else the default. The token is
    never part of it: it is a parameter, or a variable, of the template.
    """
    if terraform:
        if what == "stack-set":
            raise click.UsageError("Terraform has no StackSets: use the module of target once for each account")
        if output == "json":
            raise click.UsageError("a Terraform module is not printed as JSON: leave -o out")
    from zerotouch.templates import generate
    from zerotouch.templates.requests import TemplateError

    spec = None
    if file is not None:
        from zerotouch.cli.source import read_file

        spec = read_file(file, name).spec
    try:
        if terraform:
            click.echo(generate.module(what, spec), nl=False)
        elif output == "json":
            emit(generate.template(what, spec), output)
        else:
            click.echo(generate.as_yaml(generate.template(what, spec)), nl=False)
    except TemplateError as error:
        raise click.UsageError(str(error)) from None
