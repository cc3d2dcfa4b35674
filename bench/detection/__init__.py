"""`python -m bench.detection [DRIFTS]`: how long drift lasts when it is told by events, and when it is found at the interval.

Every break of tests/reconcile/drift that is mended is made once in each way, in the topology where its kind stands; with DRIFTS
only so many, kind by kind in turn. By event: from the arrival of the first event in the queue to the last write that mends, one
drift after the other. The age of events is told apart; here it is that of an emulated trail without delay, while CloudTrail's own
takes seconds to minutes. By poll: from the change to that write, as many accounts changed at once as there are, at an interval of
30 s. Everything shares the machine.
"""
