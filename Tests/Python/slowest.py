#!/usr/bin/env python3
"""The example of Docs/Processors.md: the ten slowest requests of each minute, as an event of type `slowest`."""
import sys, time, heapq, bson

top, minute = [], None
def tell():
    body = {"minute": minute * 60, "requests": [{"id": i, "elapsed": s} for s, i in top]}
    sys.stdout.buffer.write(bson.encode({"type": "slowest", "start": time.time(), "end": time.time(), "body": body}))
    sys.stdout.buffer.flush()
for event in bson.decode_file_iter(sys.stdin.buffer):
    now = int(event["end"] // 60)
    if minute is not None and now != minute:
        tell()
        top = []
    minute = now
    top = heapq.nlargest(10, top + [(event["end"] - event["start"], str(event["id"]))])
if minute is not None:
    tell()
