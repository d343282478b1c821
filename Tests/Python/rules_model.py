"""What rules make of events, told by another program: random events, random rules, and a model of `Docs/Rules.md` over
documents that pymongo's `bson` decoded.

    rules_model.py make FOLDER SEED COUNT    write FOLDER/skeind.yaml, FOLDER/key, FOLDER/events.hex and FOLDER/expected.bson
    rules_model.py send FOLDER PORT          PUSH the events of FOLDER/events.hex

What a skeind with that configuration has of type "t" in its files is to be expected.bson, byte for byte.
"""

import hashlib
import hmac
import json
import random
import sys

import bson
from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.binary import UuidRepresentation
from bson.datetime_ms import DatetimeMS

OPTIONS = CodecOptions(
    document_class=dict,
    uuid_representation=UuidRepresentation.UNSPECIFIED,
    datetime_conversion=DatetimeConversion.DATETIME_MS,
)
KEYS = ["a", "b", "password", "Password", "api_token", "email", "user", "items", "n", "ü", "x y", "0", "1"]
KEPT = {"id", "type", "host", "pid", "start", "end", "span", "parent", "trace", "rate", "level"}
FREE = {"service", "error"}
MASK64 = (1 << 64) - 1


def random_value(rng, depth):
    kind = rng.randrange(22 if depth < 5 else 17)
    if kind >= 20:
        return [random_value(rng, depth + 1) for _ in range(rng.randrange(5))]
    if kind >= 17:
        return random_document(rng, depth + 1)
    return [
        lambda: rng.randrange(-(2**31), 2**31),
        lambda: Int64(rng.randrange(-(2**63), 2**63)),
        lambda: rng.uniform(-1e9, 1e9),
        lambda: "".join(rng.choice("abcé\0ß😀 ") for _ in range(rng.randrange(12))),
        lambda: "hunter2",
        lambda: Binary(rng.randbytes(rng.randrange(9)), rng.choice([0, 2, 5, 128])),
        lambda: rng.random() < 0.5,
        lambda: None,
        lambda: DatetimeMS(rng.randrange(-(2**40), 2**42)),
        lambda: ObjectId(rng.randbytes(12)),
        lambda: Regex("a+", "i"),
        lambda: Decimal128("1.5"),
        lambda: Timestamp(rng.randrange(2**32), rng.randrange(2**32)),
        lambda: Code("f()"),
        lambda: Code("g()", {"password": "inside"}),
        lambda: MinKey(),
        lambda: MaxKey(),
    ][kind]()


def random_document(rng, depth):
    keys = rng.sample(KEYS, rng.randrange(6))
    return {key: random_value(rng, depth) for key in keys}


def random_event(rng, number):
    event = {"id": "%032x" % rng.getrandbits(128), "type": "t", "host": "h", "pid": 1, "start": 1.0, "end": 2.0}
    body = random_document(rng, 0)
    body["number"] = number
    event["body"] = body
    if rng.random() < 0.5:
        event["service"] = "password"
    if rng.random() < 0.3:
        event["rate"] = rng.choice([0.5, 0.25, 1])
    if rng.random() < 0.5:
        event["error"] = {"type": "E", "message": "m", "email": "a@b"}
    if rng.random() < 0.3:
        event["foreign"] = random_value(rng, 0)
    if rng.random() < 0.3:
        items = list(event.items())
        rng.shuffle(items)
        event = dict(items)
    return event


def random_pattern(rng):
    steps = [rng.choice(["**", "*", "?", "*a*", "pass*", "*token", "items", "user", "email", "0", "n", "a", "ü"])]
    for _ in range(rng.randrange(3)):
        steps.append(rng.choice(["**", "*", "pass*", "a", "0", "1", "email", "*o*", "x y"]))
    first = rng.random()
    if first < 0.3:
        steps.insert(0, "**")
    elif first < 0.4:
        steps.insert(0, "body")
    elif first < 0.5:
        steps = rng.choice([["error", "*"], ["service"], ["error", "message"], ["error"]])
    return ".".join(steps)


def random_rule(rng):
    rule = {}
    if rng.random() < 0.4:
        rule["match"] = rng.choice(
            ["exists n", 'email = "***"', "number >= 20", "exists error", "added = 7", 'not exists body.a'])
    what = rng.randrange(6)
    if what == 0:
        rule["rate"] = rng.choice([0.5, 0.9, 1])
    if what in (1, 5):
        rule["remove"] = [random_pattern(rng) for _ in range(rng.randrange(1, 3))]
    if what in (2, 3, 5):
        rule["redact"] = []
        for _ in range(rng.randrange(1, 4)):
            part = {"keys": [random_pattern(rng) for _ in range(rng.randrange(1, 3))]}
            part["with"] = rng.choice(["mask", "hash", "remove"])
            if part["with"] == "mask" and rng.random() < 0.5:
                part["text"] = "[gone]"
            rule["redact"].append(part)
    if what in (4, 5):
        rule["add"] = {}
        for _ in range(rng.randrange(1, 3)):
            path = ".".join(rng.sample(["added", "a", "b", "user", "n", "items"], rng.randrange(1, 4)))
            rule["add"][path] = rng.choice([7, "text", True, None, 1.5, [1, "x"], {"k": {"l": 1}}])
    if rng.random() < 0.2:
        rule["name"] = "rule %d" % rng.getrandbits(30)
    return rule


# The model.


def glob(pattern, key):
    def lower(text):
        return "".join(chr(ord(c) | 0x20) if "A" <= c <= "Z" else c for c in text)

    pattern, key = lower(pattern), lower(key)
    rows = [[False] * (len(key) + 1) for _ in range(len(pattern) + 1)]
    rows[0][0] = True
    for i, sign in enumerate(pattern):
        for j in range(len(key) + 1):
            if sign == "*":
                rows[i + 1][j] = rows[i][j] or (j > 0 and rows[i + 1][j - 1])
            elif j > 0 and (sign == "?" or sign == key[j - 1]):
                rows[i + 1][j] = rows[i][j - 1]
    return rows[-1][-1]


def full(pattern):
    steps = pattern.split(".")
    if steps[0] in ("**", "body") or steps[0] in FREE:
        return steps
    return ["body"] + steps


def matches(steps, path):
    """path: (key, whether it is a place in an array) each; places may be left out, but not the last step."""
    if not steps:
        return not path
    if not path:
        return all(step == "**" for step in steps)
    key, is_place = path[0]
    if steps[0] == "**":
        return matches(steps[1:], path) or matches(steps, path[1:])
    if glob(steps[0], key) and matches(steps[1:], path[1:]):
        return True
    return is_place and len(path) > 1 and matches(steps, path[1:])


def reached(steps, path):
    """The same, but a `**` that ends the pattern may not swallow nothing but places: as the walk has it."""
    return matches(steps, path)


def raw(value):
    document = bson.encode({"": value}, codec_options=OPTIONS)
    return document[4:5], document[6:-1]


def digest(key, value):
    kind, data = raw(value)
    if kind in (b"\x02", b"\x0e"):
        message = data[4:-1]
    elif kind == b"\x05" and data[4] == 0:
        message = data[5:]
    else:
        message = kind + data
    return hmac.new(key, message, hashlib.sha256).hexdigest()[:32]


GONE = object()


def redact(value, path, parts, key):
    depth_zero = len(path) == 1
    if path and not (depth_zero and (path[0][0] in KEPT or path[0][0] == "body")):
        for steps, treatment, text in parts:
            if matches(steps, path):
                if treatment == "remove":
                    return GONE
                return text if treatment == "mask" else digest(key, value)
    if depth_zero and path[0][0] in KEPT:
        return value
    if type(value) is dict:
        found = {name: redact(inner, path + [(name, False)], parts, key) for name, inner in value.items()}
        return {name: inner for name, inner in found.items() if inner is not GONE}
    if type(value) is list:
        found = [redact(inner, path + [(str(i), True)], parts, key) for i, inner in enumerate(value)]
        return [inner for inner in found if inner is not GONE]
    return value


def put(document, steps, value):
    """Whether the path was free."""
    if len(steps) == 1:
        document[steps[0]] = value
        return True
    inner = document.get(steps[0], GONE)
    if inner is GONE:
        inner = {}
        document[steps[0]] = inner
    if type(inner) is not dict:
        return False
    return put(inner, steps[1:], value)


def fnv(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & MASK64
    return value


def mix(x):
    x ^= x >> 33
    x = x * 0xFF51AFD7ED558CCD & MASK64
    x ^= x >> 33
    x = x * 0xC4CEB9FE1A85EC53 & MASK64
    return x ^ x >> 33


def keeps(rule, index, event):
    seed = rule.get("name", "%d:%s" % (index, rule.get("match", "")))
    return (mix(mix(fnv(seed.encode())) ^ fnv(event["id"].encode())) >> 11) / 2**53 < rule["rate"]


def holds(condition, event):
    body = event["body"]

    def number(value):
        return isinstance(value, (int, float)) and not isinstance(value, bool)

    def any_of(value, test):
        return any(test(inner) for inner in value) if type(value) is list else test(value)

    return {
        None: lambda: True,
        "exists n": lambda: "n" in body,
        'email = "***"': lambda: "email" in body
        and any_of(body["email"], lambda v: v == "***" and type(v) is str),
        "number >= 20": lambda: "number" in body and any_of(body["number"], lambda v: number(v) and v >= 20),
        "exists error": lambda: "error" in event,
        "added = 7": lambda: "added" in body and any_of(body["added"], lambda v: number(v) and v == 7),
        "not exists body.a": lambda: "a" not in body,
    }[condition]()


def apply(rules, event, key):
    """The event as the rules leave it; None: it goes nowhere."""
    for index, rule in enumerate(rules):
        if not holds(rule.get("match"), event):
            continue
        if rule.get("rate", 1) < 1 or "rate" in rule:
            if not keeps(rule, index, event):
                return None
            if rule["rate"] < 1:
                event["rate"] = event.get("rate", 1) * float(rule["rate"])
        parts = [(full(pattern), "remove", None) for pattern in rule.get("remove", [])]
        for part in rule.get("redact", []):
            parts += [(full(pattern), part["with"], part.get("text", "***")) for pattern in part["keys"]]
        if parts:
            event = redact(event, [], parts, key)
        for path, value in rule.get("add", {}).items():
            trial = bson.decode(bson.encode(event, codec_options=OPTIONS), OPTIONS)
            if put(trial, ["body"] + path.split("."), value):
                event = trial
    return event


def make(folder, seed, count):
    rng = random.Random(seed)
    key = rng.randbytes(24).hex().encode()
    rules = [random_rule(rng) for _ in range(rng.randrange(1, 6))]
    rules = [rule for rule in rules if set(rule) - {"match", "name"}] or [{"redact": [{"keys": ["**.a"], "with": "mask"}]}]
    with open(folder + "/key", "wb") as file:
        file.write(key + b"\n")
    with open(folder + "/skeind.yaml", "w", encoding="utf-8") as file:
        file.write("redact-key: %s/key\n" % folder)
        file.write("rules: %s\n" % json.dumps(rules, ensure_ascii=False))
    with open(folder + "/events.hex", "w", encoding="ascii") as events, open(folder + "/expected.bson", "wb") as expected:
        for number in range(count):
            data = bson.encode(random_event(rng, number), codec_options=OPTIONS)
            events.write(data.hex() + "\n")
            after = apply(rules, bson.decode(data, OPTIONS), key)
            if after is not None:
                expected.write(bson.encode(after, codec_options=OPTIONS))


def send(folder, port):
    import zmq

    context = zmq.Context()
    socket = context.socket(zmq.PUSH)
    socket.setsockopt(zmq.LINGER, 30_000)
    socket.setsockopt(zmq.SNDTIMEO, 30_000)
    socket.connect("tcp://127.0.0.1:" + port)
    with open(folder + "/events.hex", encoding="ascii") as events:
        for line in events:
            socket.send(bytes.fromhex(line))
    socket.close()
    context.term()


if __name__ == "__main__":
    command, folder, *rest = sys.argv[1:]
    if command == "make":
        make(folder, int(rest[0]), int(rest[1]))
    else:
        send(folder, rest[0])
