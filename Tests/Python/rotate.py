"""Writes numbered lines to a log that is rotated while it does, as logrotate would.

    rotate.py FILE SECONDS rename|copytruncate      prints how many lines it wrote

`rename`: the file is renamed and the writer goes on in it for a line before it makes a new one, as programs do until they are
told. `copytruncate`: the file is copied and cut short, with nothing written in between (what is, is lost to anybody).
"""

import os
import shutil
import sys
import time


def main():
    path, seconds, mode = sys.argv[1], float(sys.argv[2]), sys.argv[3]
    end = time.monotonic() + seconds
    rotation = time.monotonic() + 0.4
    count = 0
    log = open(path, "a")

    def write():
        nonlocal count
        log.write("%d\n" % count)
        count += 1

    while time.monotonic() < end:
        for _ in range(20):
            write()
        # A line in two pieces.
        log.write("%d" % (count // 10) if count >= 10 else "")
        log.flush()
        log.write("%d\n" % (count % 10))
        count += 1
        log.flush()
        if time.monotonic() > rotation:
            rotation = time.monotonic() + 0.6
            for number in range(8, 0, -1):
                if os.path.exists("%s.%d" % (path, number)):
                    os.rename("%s.%d" % (path, number), "%s.%d" % (path, number + 1))
            if mode == "rename":
                os.rename(path, path + ".1")
                write()
                log.close()
                log = open(path, "a")
            else:
                time.sleep(0.3)
                shutil.copy(path, path + ".1")
                os.truncate(path, 0)
        time.sleep(0.005)
    # The last one has no end.
    log.write("%d" % count)
    log.close()
    print(count + 1, flush=True)


main()
