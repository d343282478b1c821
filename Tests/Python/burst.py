"""BurstLogging itself, for the handler that does what it does.

Standard input: a sequence a line, `LEVEL EMIT BURST CAPACITY THRESHOLD STEP …`. A step is the level of a record, `f` for a flush or
`c` for a close. Standard output: for each, the records that reached the target, numbered from 0 in the order in which they were made,
with a blank between; the target's own level is unset. Where the handler raises, what follows goes on.
"""

import logging
import sys

from burstlogging import BurstHandler


class Target(logging.Handler):
    def __init__(self):
        super().__init__()
        self.seen = []

    def emit(self, record):
        self.seen.append(str(record.msg))


def run(line):
    level, emit, burst, capacity, threshold, *steps = line.split()
    target = Target()
    handler = BurstHandler(
        target=target, level=int(level), emitLevel=int(emit), burstLevel=int(burst), capacity=int(capacity),
        threshold=float(threshold))
    logger = logging.Logger("oracle", level=1)
    logger.addHandler(handler)
    number = 0
    for step in steps:
        try:
            if step == "f":
                handler.flush()
            elif step == "c":
                handler.close()
            else:
                number += 1
                logger.handle(logging.LogRecord("oracle", int(step), __file__, 1, number - 1, None, None))
        except IndexError:
            pass
    return " ".join(target.seen)


for line in sys.stdin:
    print(run(line))
