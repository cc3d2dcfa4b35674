"""`zerotouch plan`: what would change in AWS."""

import click

from zerotouch.cli.exits import Exit
from zerotouch.cli.options import Cluster, aws_options, cluster_options, file_option, output_option


@click.command()
@click.argument("object_name", metavar="[NAME]", required=False)
@file_option(required=False)
@click.option("--assume-empty", is_flag=True, help="Offline: as if nothing existed in AWS; needs no credentials.")
@click.option("--token-file", metavar="FILE", type=click.Path(), help="Subscription token, where it is to be compared.")
@output_option("text", "json", "yaml")
@cluster_options
@aws_options
def command(
    object_name: str | None,
    file: str | None,
    name: str | None,
    assume_empty: bool,
    token_file: str | None,
    output: str,
    kubeconfig: str | None,
    context: str | None,
    namespace: str | None,
    profile: str | None,
    region: str | None,
) -> Exit:
    """Tell what would change in AWS, and change nothing.

    Of a QualysZeroTouch in a file (-f), or of NAME in the cluster. Rights to
    read suffice: zerotouch policy observe.

    The exit status is 0 where nothing would change, 2 where something would,
    and 1 where an account could not be looked at or a name is taken.
    """
    if (object_name is None) == (file is None):
        raise click.UsageError("give either -f FILE or NAME")
    from zerotouch.cli import planning, reviewing
    from zerotouch.cli.output import emit

    if file is not None:
        given = reviewing.from_file(file, name, namespace, token_file)
    else:
        given = reviewing.from_cluster(str(object_name), Cluster(kubeconfig, context, namespace))
    plans = reviewing.assume_empty(given) if assume_empty else reviewing.review(given, profile, region)
    if output == "text":
        click.echo("\n".join(planning.plan_lines(plans, "No changes: AWS is as declared.")))
    else:
        emit(planning.plan_data(plans), output)
    if not all(plan.right for plan in plans):
        return Exit.NOT_RIGHT
    return Exit.CHANGES if any(plan.changes for plan in plans) else Exit.OK
