"""Reads histograms out of delimited messages of io.prometheus.client, by the rules of the encoding."""

import struct

ACCEPT = ("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
          "encoding=delimited")


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        shift += 7
        if byte < 0x80:
            return value, at


def fields(message):
    """(number, value) of each field; the value is a number, or bytes."""
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        if key & 7 == 0:
            value, at = varint(message, at)
        elif key & 7 == 1:
            value, at = struct.unpack_from("<d", message, at)[0], at + 8
        else:
            assert key & 7 == 2, key
            size, at = varint(message, at)
            value, at = message[at:at + size], at + size
            assert len(value) == size
        yield key >> 3, value


def signed(value):
    return value // 2 if value % 2 == 0 else -(value // 2) - 1


def time_of(message):
    parts = dict(fields(message))
    return parts.get(1, 0) + parts.get(2, 0) / 1e9


def histogram(message):
    found = {"count": 0, "sum": 0.0, "classic": {}, "schema": None, "zeros": 0, "native": {},
             "created": None, "exemplars": []}
    indices, deltas, following = [], [], 0
    for number, value in fields(message):
        if number == 1:
            found["count"] = value
        elif number == 2:
            found["sum"] = value
        elif number == 3:
            bucket = dict(fields(value))
            found["classic"][bucket[2]] = bucket.get(1, 0)
            if 3 in bucket:
                exemplar = dict(fields(bucket[3]))
                found["exemplars"].append((exemplar[2], time_of(exemplar[3])))
        elif number == 5:
            found["schema"] = signed(value)
        elif number == 6:
            found["zero_threshold"] = value
        elif number == 7:
            found["zeros"] = value
        elif number == 12:
            span = dict(fields(value))
            following += signed(span.get(1, 0))
            for _ in range(span.get(2, 0)):
                indices.append(following)
                following += 1
        elif number == 13:
            at = 0
            while at < len(value):
                delta, at = varint(value, at)
                deltas.append(signed(delta))
        else:
            assert number == 15, number
            found["created"] = time_of(value)
    assert len(indices) == len(deltas)
    before = 0
    for index, delta in zip(indices, deltas):
        before += delta
        found["native"][index] = before
    return found


def histograms(stream, family):
    """{((label, value), …): histogram} of a family."""
    found = {}
    at = 0
    while at < len(stream):
        size, at = varint(stream, at)
        message, at = stream[at:at + size], at + size
        parts = list(fields(message))
        if dict(parts).get(1) != family.encode():
            continue
        for metric in (value for number, value in parts if number == 4):
            labels, value = [], None
            for number, content in fields(metric):
                if number == 1:
                    pair = dict(fields(content))
                    labels.append((pair[1].decode(), pair.get(2, b"").decode()))
                if number == 7:
                    value = histogram(content)
            found[tuple(sorted(labels))] = value
    return found
