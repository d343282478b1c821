"""Distlog's own client, and Python's pickle and json, for the tests of what meets them.

    distlog_client.py tasks PORT j|p              log a tree of tasks with the real Distlog; print the attributes that it sent
    distlog_client.py record PORT TOPIC PROTOCOL  PUSH one record with every kind of value; print the attributes
    distlog_client.py pickles COUNT SEED          print COUNT random values: "<pickle in hex> <Extended JSON of {v: value}>"
    distlog_client.py jsons COUNT SEED            the same for json.dumps: "<hex> <Extended JSON of the object>"
    distlog_client.py load j|p                    read lines of hex on standard input; print {v: what Python reads}
    distlog_client.py daemon COUNT                be distlogd: print the port, then {topic, record} of COUNT messages

What is printed are lines of canonical Extended JSON of what a value becomes in BSON (Docs/WireFormat.md). Every wait ends after
30 seconds with exit code 3.
"""

import collections
import datetime
import decimal
import json
import logging
import pickle
import random
import sys
import uuid

import zmq
from bson import json_util
from bson.binary import Binary
from bson.decimal128 import Decimal128
from bson.int64 import Int64

LIMIT_MS = 30_000
CONTEXT = zmq.Context.instance()
UTC = datetime.timezone.utc


def clean(text):
    return "".join("\ufffd" if 0xD800 <= ord(c) < 0xE000 else c for c in text)


def key_text(key):
    if isinstance(key, str):
        return clean(key).replace("\0", "\ufffd")
    if key is None or isinstance(key, (bool, int, float)):
        return json.dumps(key)
    return "<tuple>" if isinstance(key, tuple) else str(key)


def big(number):
    digits = str(number)
    return Decimal128(digits) if len(digits.lstrip("-")) <= 34 else digits


def children(value):
    """The containers and scalars in a container, by the place where they stand."""
    return value.items() if isinstance(value, dict) else enumerate(value)


def loops(value, inside, done, cut):
    """Finds the places where a value stands in itself, from the front."""
    if not isinstance(value, CONTAINERS) or id(value) in done:
        return
    inside.add(id(value))
    for place, child in children(value):
        if id(child) in inside:
            cut.add((id(value), place))
        else:
            loops(child, inside, done, cut)
    inside.discard(id(value))
    done.add(id(value))


CONTAINERS = (list, tuple, set, frozenset, collections.deque, dict)


def as_bson(value, cut=None):
    """What a value becomes."""
    if cut is None:
        cut = set()
        loops(value, set(), set(), cut)

    def child(place, item):
        if (id(value), place) in cut:
            return "{...}" if isinstance(item, dict) else "[...]"
        return as_bson(item, cut)

    if isinstance(value, dict):
        return {key_text(key): child(key, item) for key, item in value.items()}
    if isinstance(value, CONTAINERS):
        return [child(place, item) for place, item in enumerate(value)]
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bool) or value is None or isinstance(value, float):
        return value
    if isinstance(value, int):
        if -(1 << 31) <= value < 1 << 31:
            return value
        return Int64(value) if -(1 << 63) <= value < 1 << 63 else big(value)
    if isinstance(value, (bytes, bytearray)):
        return Binary(bytes(value), 0)
    if isinstance(value, complex):
        return {"real": value.real, "imag": value.imag}
    if isinstance(value, decimal.Decimal):
        try:
            return Decimal128(value)
        except decimal.DecimalException:
            return str(value)
    if isinstance(value, uuid.UUID):
        return Binary(value.bytes, 4)
    if isinstance(value, datetime.datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return (value.days * 86_400 + value.seconds + value.microseconds / 1e6) if value.microseconds == 0 else (
            ((value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds) / 1_000_000
        )
    raise TypeError(type(value))


def show(document):
    print(json_util.dumps(document, json_options=json_util.CANONICAL_JSON_OPTIONS, ensure_ascii=False), flush=True)


def shown(document):
    return json_util.dumps(document, json_options=json_util.CANONICAL_JSON_OPTIONS, ensure_ascii=True)


# Random values.


def text(rng):
    letters = ["a", "Z", "0", "\n", "\\", "'", '"', "\r", "\x00", "\x1a", "\x7f", "\u00e4", "\u20ac", "\U0001f9f6", "\u2028"]
    length = rng.choice([0, 1, 3, 8, 40, 300]) if rng.random() < 0.999 else 70_000
    return "".join(rng.choice(letters) for _ in range(length))


def number(rng):
    bits = rng.choice([1, 8, 15, 16, 31, 32, 33, 63, 64, 65, 100, 112, 113, 128, 500])
    return rng.randint(-(1 << bits), 1 << bits)


def floating(rng):
    return rng.choice(
        [0.0, -0.0, 1.5, -1e300, 5e-324, float("inf"), float("-inf"), float("nan"), rng.random(), rng.gauss(0, 1e20)])


def moment(rng):
    naive = datetime.datetime(
        rng.randint(1, 9999), rng.randint(1, 12), rng.randint(1, 28), rng.randint(0, 23), rng.randint(0, 59),
        rng.randint(0, 59), rng.choice([0, 1000 * rng.randint(0, 999)]))
    if rng.random() < 0.5 or not 2 < naive.year < 9998:
        return naive
    return naive.replace(tzinfo=datetime.timezone(datetime.timedelta(minutes=rng.randint(-1439, 1439))))


SCALARS = [
    lambda r: None, lambda r: r.random() < 0.5, number, number, floating, text, text,
    lambda r: bytes(r.randrange(256) for _ in range(r.choice([0, 1, 5, 300]))),
    lambda r: bytearray(r.randrange(256) for _ in range(r.choice([0, 3]))),
    lambda r: decimal.Decimal(r.choice(["0", "-0", "1.50", "NaN", "Infinity", "-Infinity", "1E+6000", "1." + "3" * 60, "-12E-40"])),
    lambda r: uuid.UUID(int=r.getrandbits(r.choice([1, 60, 64, 100, 128]))),
    moment,
    lambda r: moment(r).date(),
    lambda r: moment(r).time(),
    lambda r: datetime.timedelta(days=r.randint(-999, 999), seconds=r.randint(0, 86399), microseconds=r.choice([0, 1, 999999])),
    lambda r: complex(r.random(), -0.0),
]


def value(rng, depth=0, pool=None):
    pool = pool if pool is not None else []
    if pool and rng.random() < 0.1:
        return rng.choice(pool)
    if depth > 5 or rng.random() < 0.45:
        return rng.choice(SCALARS)(rng)
    count = rng.choice([0, 1, 2, 3, 4, 12]) if depth else rng.randint(1, 20)
    kind = rng.choice(["list", "tuple", "set", "frozenset", "deque", "dict", "dict", "ordered", "default", "counter"])
    if kind in ("set", "frozenset"):
        made = {rng.choice([number(rng), text(rng)[:5], None, (1, 2)]) for _ in range(count)}
        made = made if kind == "set" else frozenset(made)
    elif kind == "counter":
        made = collections.Counter(text(rng))
    elif kind in ("dict", "ordered", "default"):
        made = {"dict": dict, "ordered": collections.OrderedDict, "default": lambda: collections.defaultdict(list)}[kind]()
        pool.append(made)
        for _ in range(count):
            key = text(rng)[:20] if rng.random() < 0.8 else rng.choice([1, -7, True, None, 2.5, 1e22, 10**30])
            made[key] = value(rng, depth + 1, pool)
    else:
        made = [value(rng, depth + 1, pool) for _ in range(count)]
        made = {"list": list, "tuple": tuple, "deque": collections.deque}[kind](made)
    pool.append(made)
    return made


def pickles(count, seed):
    rng = random.Random(int(seed))
    for _ in range(int(count)):
        made = value(rng)
        try:
            expected = shown({"v": as_bson(made)})
        except RecursionError:
            continue
        if len(expected) > 200_000:
            continue
        print(pickle.dumps(made, rng.randint(0, 5)).hex(), expected)


def jsons(count, seed):
    rng = random.Random(int(seed))

    def plain(depth=0):
        if depth > 3 or rng.random() < 0.5:
            return rng.choice([None, True, False, number(rng), floating(rng), text(rng), text(rng) + "\ud800"])
        if rng.random() < 0.5:
            return [plain(depth + 1) for _ in range(rng.randint(0, 8))]
        return {rng.choice([text(rng)[:20], "$date", "$numberInt", "$oid"]): plain(depth + 1) for _ in range(rng.randint(0, 8))}

    for _ in range(int(count)):
        made = {text(rng)[:9]: plain() for _ in range(rng.randint(0, 5))}
        ascii_only = rng.random() < 0.5
        written = json.dumps(made, ensure_ascii=ascii_only, indent=rng.choice([None, None, 1]))
        try:
            written = written.encode()
        except UnicodeEncodeError:
            written = json.dumps(made).encode()
        # json_util would read {"$date": …} as a date; the object is handed over as a pickle instead.
        print(written.hex(), pickle.dumps(json.loads(written), 4).hex())


def load(encoding):
    for line in sys.stdin:
        data = bytes.fromhex(line.strip())
        show({"v": as_bson(pickle.loads(data) if encoding == "p" else json.loads(data))})


# Records.


def push_socket(port):
    sock = CONTEXT.socket(zmq.PUSH)
    sock.linger = LIMIT_MS
    sock.sndhwm = 0
    sock.connect("tcp://127.0.0.1:%s" % port)
    return sock


class Copying:
    """Prints the attributes that a formatter of Distlog's is about to write."""

    def _extract_record(self, record):
        attributes = super()._extract_record(record)
        show(as_bson(dict(attributes)))
        return attributes


def tasks(port, encoding):
    import distlog

    base = {"j": distlog.JSONFormatter, "p": distlog.PickleFormatter}[encoding]
    formatter = type("Formatter", (Copying, base), {})()
    sock = push_socket(port)
    handler = distlog.ZmqHandler(sock, system="T")
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(1)
    log = logging.getLogger("shop.stock")
    log.info("outside of any task")
    with distlog.task("counting up to %d", 2, job="count up", until=2):
        for number in range(1, 3):
            with distlog.to("count %d", number, number=number) as step:
                log.debug("at %s\n of D:\\data", number, extra={"k\u00e4se": [number, {"a.b": None}]})
                step.success("counted %d", number)
        try:
            with distlog.to("fail", reason="wanted"):
                raise ValueError("no\nstock")
        except ValueError:
            log.critical("caught")
        log.log(33, {"a": 1})
    sock.close()


def record(port, topic, protocol):
    extra = {
        "integer": 1 << 40, "large": 1 << 100, "float": float("nan"), "none": None, "list": [1, "zwei", [3.0]],
        "object": {"b": {"c": True}}, "text": "K\u00e4se \U0001f9c0",
    }
    if topic[2] == "P":
        extra.update(
            when=datetime.datetime(2026, 11, 21, 4, 30, 0, 123000, UTC), day=datetime.date(2026, 11, 21),
            clock=datetime.time(4, 30), lasted=datetime.timedelta(seconds=1.5), price=decimal.Decimal("9.90"),
            id=uuid.UUID("0e6c1a52-6b1a-4f3e-9c5f-0123456789ab"), names={"only"}, raw=b"\x00\xff", pair=(1, 2))
    made = logging.LogRecord("shop.cart", 30, "/srv/shop/cart.py", 42, "no %s", ("stock",), None, "add", "Stack:\n  here")
    made.__dict__.update(extra)
    made.message = made.getMessage()
    made.asctime = "2026-11-21 04:30:00,000"
    made.hostname = "cart-1"
    made.context = {"key": "4@0e6c1a52-6b1a-4f3e-9c5f-0123456789ab/2/1", "customer": 17}
    made.args = None
    attributes = made.__dict__
    data = pickle.dumps(attributes, int(protocol)) if topic[2] == "P" else json.dumps(attributes).encode()
    sock = push_socket(port)
    sock.send_multipart([topic.encode(), data])
    sock.close()
    show(as_bson(attributes))


def daemon(count):
    sock = CONTEXT.socket(zmq.PULL)
    print(sock.bind_to_random_port("tcp://127.0.0.1"), flush=True)
    for _ in range(int(count)):
        if not sock.poll(LIMIT_MS):
            sys.exit(3)
        # As distlogd reads them.
        head, body = sock.recv_multipart()
        read = pickle.loads(body) if head[2:3] == b"P" else json.loads(body.decode("utf8"))
        show({"topic": head.decode(), "record": as_bson(read)})


if __name__ == "__main__":
    {"tasks": tasks, "record": record, "pickles": pickles, "jsons": jsons, "load": load, "daemon": daemon}[sys.argv[1]](
        *sys.argv[2:])
    # Waits until what was sent is on its way: at the end of a process nobody does.
    CONTEXT.term()
