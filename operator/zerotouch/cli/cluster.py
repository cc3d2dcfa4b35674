"""The cluster for a command: as kubectl would find it, with errors of one line."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import yaml
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config
from kubernetes.aio.config.kube_config import list_kube_config_contexts

from zerotouch.api.meta import ACCOUNT_PLURAL, ZEROTOUCH_PLURAL
from zerotouch.cli.exits import CommandError, Exit
from zerotouch.cli.options import Cluster
from zerotouch.cli.quiet import quiet_logs
from zerotouch.controller.kube import KubeAPI, KubeError, KubeUnavailable
from zerotouch.controller.objects import Account, InvalidObject, Parent, collection

_DEFAULT_NAMESPACE: Final = "default"
_ANONYMOUS: Final = "system:anonymous"


@dataclass(frozen=True)
class Connected:
    """An API server, and the namespace that is meant."""

    kube: KubeAPI
    namespace: str


@dataclass(frozen=True)
class Family:
    """One object and its account objects, by account id."""

    parent: Parent
    accounts: dict[str, Account]


@asynccontextmanager
async def connect(cluster: Cluster) -> AsyncIterator[Connected]:
    """By kubeconfig, in a pod without one by its ServiceAccount. Raises CommandError, also for what is raised within."""
    quiet_logs()
    if cluster.kubeconfig and not Path(cluster.kubeconfig).is_file():
        raise CommandError(Exit.NO_CONTEXT, f"no cluster: {cluster.kubeconfig} is no file: correct --kubeconfig")
    configuration = Configuration()
    try:
        namespace = await _configure(cluster, configuration)
    except (ConfigException, OSError, yaml.YAMLError, TypeError, KeyError, ValueError) as error:
        reason = str(error) if isinstance(error, ConfigException | OSError) else "it is no kubeconfig"
        text = f"no cluster: {reason}; see kubectl config get-contexts, or use --kubeconfig and --context"
        raise CommandError(Exit.NO_CONTEXT, text) from None
    kube = KubeAPI(ApiClient(configuration))
    try:
        yield Connected(kube, cluster.namespace or namespace)
    except KubeUnavailable as error:
        text = f"the API server {configuration.host} does not answer: {error}"
        raise CommandError(Exit.CLUSTER_UNREACHABLE, text) from None
    except KubeError as error:
        raise _refused(error) from None
    except InvalidObject as error:
        raise CommandError(Exit.INVALID_SPEC, f"an object in the cluster cannot be read: {error}") from None
    finally:
        await kube.close()


def _refused(error: KubeError) -> CommandError:
    """Lists alone are asked for, and the one that is not there is that of a kind which the API server does not know."""
    if error.not_found:
        text = "the API server knows no QualysZeroTouch: install the CRDs by zerotouch crd | kubectl apply -f -"
        return CommandError(Exit.NOT_FOUND, text)
    stranger = error.status == HTTPStatus.UNAUTHORIZED or _ANONYMOUS in str(error)
    hint = "; does kubectl get qzt work? The kubeconfig's credentials, or their plugin, gave nothing that it takes"
    return CommandError(Exit.CLUSTER_REFUSED, f"the API server refuses: {error}{hint if stranger else ''}")


async def families(connected: Connected, everywhere: bool = False, name: str | None = None) -> list[Family]:
    """The objects of the namespace, or of all; raises KubeError, InvalidObject, and CommandError where NAME is missing."""
    where = None if everywhere else connected.namespace
    parents = [Parent.of(body) async for body in connected.kube.list(collection(ZEROTOUCH_PLURAL, where))]
    if name is not None:
        parents = [parent for parent in parents if parent.key.name == name]
        if not parents:
            text = f"there is no QualysZeroTouch {name} in namespace {connected.namespace}: see kubectl get qzt -A"
            raise CommandError(Exit.NOT_FOUND, text)
    accounts = [Account.of(body) async for body in connected.kube.list(collection(ACCOUNT_PLURAL, where))]
    return [
        Family(parent, {a.spec.account_id: a for a in accounts if a.parent_key == parent.key}) for parent in parents
    ]


async def _configure(cluster: Cluster, configuration: Configuration) -> str:
    try:
        given: dict[str, Any] = {"config_file": cluster.kubeconfig, "context": cluster.context}
        await load_kube_config(client_configuration=configuration, **given)
    except ConfigException:
        if cluster.kubeconfig or cluster.context:
            raise
        try:
            load_incluster_config(configuration)
        except ConfigException:
            raise ConfigException("there is no usable kubeconfig, and this is no pod") from None
        return _DEFAULT_NAMESPACE
    contexts, active = list_kube_config_contexts(config_file=cluster.kubeconfig)
    chosen = next((c for c in contexts if c["name"] == cluster.context), active)
    return str(chosen["context"].get("namespace") or _DEFAULT_NAMESPACE)
