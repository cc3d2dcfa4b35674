"""`zerotouch doctor`: the first broken link of the chain from an account to a scan."""

import click

from zerotouch.cli.exits import Exit
from zerotouch.cli.options import Cluster, aws_options, cluster_options, file_option, output_option


@click.command()
@click.argument("account", metavar="[ACCOUNT", required=False)
@click.argument("target_region", metavar="[REGION", required=False)
@click.argument("instance", metavar="[INSTANCE]]]", required=False)
@file_option(required=False)
@output_option("text", "json", "yaml")
@cluster_options
@aws_options
def command(
    account: str | None,
    target_region: str | None,
    instance: str | None,
    file: str | None,
    name: str | None,
    output: str,
    kubeconfig: str | None,
    context: str | None,
    namespace: str | None,
    profile: str | None,
    region: str | None,
) -> Exit:
    """Find the first broken link between an instance's start and its scan.

    Walks the chain in every account and region of a QualysZeroTouch, in a
    file (-f) or in the cluster, or in those that are named: object, identity,
    access, region, permissions, inventory association, SSM agent, inventory
    freshness, rule, target, role, API destination, connection, token,
    delivery, dead letters. Changes nothing; rights to read suffice.

    The exit status is 1 where a link is broken.
    """
    from zerotouch.cli import doctoring, prognosis
    from zerotouch.cli.output import emit

    wanted = doctoring.Wanted(account, target_region, instance)
    patient = doctoring.patient(file, name, Cluster(kubeconfig, context, namespace))
    diagnoses = prognosis.diagnose(doctoring.examine(patient, wanted, profile, region))
    if output == "text":
        click.echo("\n".join(prognosis.lines(diagnoses)))
    else:
        emit(prognosis.data(diagnoses), output)
    return Exit.NOT_RIGHT if any(d.broken for d in diagnoses) else Exit.OK
