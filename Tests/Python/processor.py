"""Processors for the tests of `kind: exec`, by pymongo's `bson`.

    processor.py MODE FILE [N]      appends `body.n` of each event it gets to FILE, one a line, and acknowledges it

MODE says what it does at the event whose `body.n` is N, or else:

    keep       nothing
    crash      ends with 3, after a word on standard error
    hang       sleeps for ever
    refuse     refuses it
    again      says "again" for half a second, then takes it; N times in all as lines `again` in FILE
    answer     answers each event with one of type `answer`; N is not used
    silent     acknowledges nothing
    final      answers once, at the end of its input
    flood      answers without end
    garbage    writes what is no BSON
    boast      acknowledges what it was not given
    never      never reads
    deaf       closes its input
    shout      floods standard error
    fork       leaves a child behind, whose process id it appends to FILE, and ends with 4
    records    expects `input: records`, appends `n number` of each
    seen       appends, at its start, its open descriptors, process group, and SKEIN variables
"""

import os
import struct
import sys
import time

import bson


def events():
    while True:
        # Byte by byte as needed, so that what was read is what is worked on.
        head = os.read(0, 4)
        if not head:
            return
        length = struct.unpack("<i", head)[0]
        body = head
        while len(body) < length:
            body += os.read(0, length - len(body))
        yield bson.decode(body)


def say(document):
    os.write(1, bson.encode(document))


def main():
    mode, path = sys.argv[1], sys.argv[2]
    place = int(sys.argv[3]) if len(sys.argv) > 3 and mode != "seen" else None
    out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def keep(text):
        os.write(out, (str(text) + "\n").encode())

    if mode == "never":
        time.sleep(1000)
    if mode == "deaf":
        os.close(0)
        time.sleep(1000)
    if mode == "seen":
        names = sorted(int(name) for name in os.listdir("/proc/self/fd"))
        # One of them is the listing's own, one is FILE.
        keep("descriptors %d" % (len(names) - 2))
        keep("leads %d" % (os.getpgrp() == os.getpid()))
        keep("variables %s" % " ".join(sorted("%s=%s" % pair for pair in os.environ.items() if "SKEIN" in pair[0])))
        keep("arguments %s" % "|".join(sys.argv[3:]))
    count = 0
    for event in events():
        count += 1
        number = 0
        if mode == "records":
            number = event["number"]
            event = event["event"]
        n = event["body"]["n"]
        keep("%d %d" % (n, number) if mode == "records" else n)
        if mode == "flood":
            while True:
                say({"type": "flood", "body": {"text": "x" * 1000}})
        if n == place:
            if mode == "crash":
                print("I cannot bear %d" % n, file=sys.stderr, flush=True)
                os._exit(3)
            if mode == "hang":
                time.sleep(1000)
            if mode == "refuse":
                say({"refuse": count, "reason": "I do not like %d" % n})
                continue
            if mode == "again":
                for _ in range(5):
                    say({"again": count, "reason": "the sun shines"})
                    time.sleep(0.1)
            if mode == "garbage":
                os.write(1, b"\xff" * 100)
            if mode == "boast":
                say({"ack": count + 1000})
            if mode == "shout":
                for line in range(100000):
                    sys.stderr.write("line %d\x1b[31m\n" % line)
            if mode == "fork":
                child = os.fork()
                if child == 0:
                    time.sleep(1000)
                keep("child %d" % child)
                os._exit(4)
        if mode == "answer":
            say({"type": "answer", "start": time.time(), "end": time.time(), "body": {"n": n}})
        if mode != "silent":
            say({"ack": count})
    if mode == "final":
        say({"type": "final", "start": time.time(), "end": time.time(), "body": {"count": count}})


main()
