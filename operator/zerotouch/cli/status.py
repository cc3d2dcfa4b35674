"""`zerotouch status`: the fleet at a glance."""

import click

from zerotouch.cli.exits import Exit
from zerotouch.cli.options import Cluster, cluster_options, output_option


@click.command()
@click.argument("name", metavar="[NAME]", required=False)
@click.option("-A", "--all-namespaces", is_flag=True, help="Objects of all namespaces.")
@click.option("-w", "--watch", is_flag=True, help="Go on, and show every change.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Most accounts in the table.")
@output_option("text", "json", "yaml")
@cluster_options
def command(
    name: str | None,
    all_namespaces: bool,
    watch: bool,
    limit: int,
    output: str,
    kubeconfig: str | None,
    context: str | None,
    namespace: str | None,
) -> Exit:
    """Show accounts and regions as the operator last saw them, worst first.

    Of NAME, or of all objects in the namespace. The exit status is 1 where
    something is not Ready.
    """
    if name is not None and all_namespaces:
        raise click.UsageError("NAME stands in one namespace: leave out -A")
    from zerotouch.cli.watching import Wanted, show

    return show(Cluster(kubeconfig, context, namespace), Wanted(name, all_namespaces, watch, limit, output))
