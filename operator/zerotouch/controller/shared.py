"""What the handlers of parents and accounts share in one running operator."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from zerotouch.controller.events import EventRecorder
from zerotouch.controller.index import Index
from zerotouch.controller.kube import KubeAPI
from zerotouch.controller.objects import Key
from zerotouch.controller.queue import WorkQueue
from zerotouch.controller.secrets import SecretWatch
from zerotouch.controller.settings import Settings
from zerotouch.controller.signals import Signals
from zerotouch.controller.stats import Stats
from zerotouch.controller.tokens import Tokens
from zerotouch.controller.writer import Writer
from zerotouch.reconcile.reconciler import Reconciler
from zerotouch.reconcile.report import Problem


@dataclass
class Shared:
    """Made once by the operator.

    `expected`: account object → hash of the spec that its parent wants; a pass runs only for an object that has it,
    so that an object which somebody else made or changed never directs the operator into an account.
    `detection_problem`, `detection_known`: what is wrong with the event bus, and whether it was looked at.
    """

    settings: Settings
    kube: KubeAPI
    reconciler: Reconciler
    fence: Callable[[], bool]
    stats: Stats
    index: Index = field(default_factory=Index)
    parents: WorkQueue = field(default_factory=WorkQueue)
    accounts: WorkQueue = field(default_factory=WorkQueue)
    expected: dict[Key, str] = field(default_factory=dict)
    detection_problem: Problem | None = None
    detection_known: bool = False
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.writer = Writer(self.kube)
        self.events = EventRecorder(self.kube)
        self.secrets = SecretWatch(self.kube)
        self.tokens = Tokens(self.kube, self.secrets, self.settings, self.stats)
        self.signals = Signals()
        self._locks: WeakValueDictionary[Key, asyncio.Lock] = WeakValueDictionary()
        at_once = self.settings.accounts_at_once + self.settings.signals_at_once + self.settings.searches_at_once
        self.threads = ThreadPoolExecutor(at_once, thread_name_prefix="account")
        self.loop = asyncio.get_running_loop()

    def lock(self, key: Key) -> asyncio.Lock:
        """Held during a pass over the account: there are two queues, and never two passes of one account at a time."""
        found = self._locks.get(key)
        if found is None:
            found = self._locks[key] = asyncio.Lock()
        return found
