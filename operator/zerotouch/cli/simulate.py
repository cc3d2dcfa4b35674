"""`zerotouch simulate`: a synthetic event through what is set up."""

import click

from zerotouch.cli.exits import CommandError, Exit
from zerotouch.cli.options import Cluster, aws_options, cluster_options, file_option, output_option, yes_option


@click.command()
@click.argument("account")
@click.argument("target_region", metavar="REGION")
@file_option(required=False)
@yes_option
@click.option("--settle", metavar="SECONDS", type=click.FloatRange(0, 300), default=30, show_default=True,
              help="Time until AWS surely knows the new rule.")  # fmt: skip
@click.option("--wait", metavar="SECONDS", type=click.FloatRange(0, 1800), default=300, show_default=True,
              help="How long to wait for CloudWatch's word.")  # fmt: skip
@output_option("text", "json", "yaml")
@cluster_options
@aws_options
def command(
    account: str,
    target_region: str,
    file: str | None,
    name: str | None,
    yes: bool,
    settle: float,
    wait: float,
    output: str,
    kubeconfig: str | None,
    context: str | None,
    namespace: str | None,
    profile: str | None,
    region: str | None,
) -> Exit:
    """Send a synthetic event of ACCOUNT and REGION to Qualys.

    Asks the rule whether it would match an instance's start, and sends one
    event of another source through the same API destination, connection and
    role, by a rule that exists only meanwhile. Says beforehand what would
    reach Qualys, and does nothing without --yes.

    Needs more than the operator: zerotouch policy simulate.
    """
    from zerotouch.cli import doctoring, simulating
    from zerotouch.cli.output import emit

    patient = doctoring.patient(file, name, Cluster(kubeconfig, context, namespace))
    planned = simulating.prepare(patient, account, target_region)
    if not yes:
        if output == "text":
            click.echo("\n".join([*simulating.announcement(planned), ""]))
        else:
            emit({"sent": False, "url": planned.url, "event": simulating.event(planned)}, output)
        raise CommandError(Exit.REFUSED, "nothing was sent; to send it, say --yes")
    outcome = simulating.carry_out(planned, profile, region, settle, wait)
    if output == "text":
        click.echo("\n".join(simulating.lines(planned, outcome)))
    else:
        emit(simulating.data(planned, outcome), output)
    return Exit.OK if outcome.matches and outcome.delivered else Exit.NOT_RIGHT
