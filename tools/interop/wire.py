"""The little of protobuf, multiaddresses and base58 that talking to peers by hand takes."""

import base64
import socket

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

# Name, code, bytes of the value; a peer says how many it has.
PROTOCOLS = [("ip4", 4, 4), ("tcp", 6, 2), ("udp", 273, 2), ("quic-v1", 461, 0), ("ws", 477, 0), ("p2p", 421, None),
             ("webrtc-direct", 280, 0), ("certhash", 466, None)]


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out) + bytes([number])


def read_varint(data, at):
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at


def message(*fields):
    """A protobuf message of (number, value); values are integers, bytes or texts."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            value = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def fields(data):
    """The fields of a protobuf message: number to list of values."""
    found, at = {}, 0
    while at < len(data):
        tag, at = read_varint(data, at)
        if tag & 7 == 0:
            value, at = read_varint(data, at)
        elif tag & 7 == 2:
            size, at = read_varint(data, at)
            value, at = data[at:at + size], at + size
        else:
            raise ValueError(f"a field of wire type {tag & 7}")
        found.setdefault(tag >> 3, []).append(value)
    return found


def framed(data):
    return varint(len(data)) + data


def read_exactly(stream, count):
    data = b""
    while len(data) < count:
        more = stream.recv(count - len(data))
        if not more:
            raise EOFError("the stream ended")
        data += more
    return data


def read_framed(stream):
    head = b""
    while not head or head[-1] >= 0x80:
        head += read_exactly(stream, 1)
    return read_exactly(stream, read_varint(head, 0)[0])


def from_base58(text):
    number = 0
    for letter in text:
        number = number * 58 + ALPHABET.index(letter)
    zeros = len(text) - len(text.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def to_base58(data):
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, letter = divmod(number, 58)
        text = ALPHABET[letter] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def to_multiaddr(text):
    parts, out = text.strip("/").split("/"), b""
    while parts:
        name = parts.pop(0)
        code, size = next((code, size) for known, code, size in PROTOCOLS if known == name)
        out += varint(code)
        if size == 4:
            out += socket.inet_aton(parts.pop(0))
        elif size == 2:
            out += int(parts.pop(0)).to_bytes(2, "big")
    return out


def from_multiaddr(data):
    text, at = "", 0
    while at < len(data):
        code, at = read_varint(data, at)
        name, size = next((name, size) for name, known, size in PROTOCOLS if known == code)
        if size is None:
            size, at = read_varint(data, at)
        value, at = data[at:at + size], at + size
        text += f"/{name}"
        if size == 4:
            text += "/" + socket.inet_ntoa(value)
        elif name == "p2p":
            text += "/" + to_base58(value)
        elif name == "certhash":
            text += "/u" + base64.urlsafe_b64encode(value).decode().rstrip("=")
        elif size == 2:
            text += f"/{int.from_bytes(value, 'big')}"
    return text
