"""A server that speaks enough of the MySQL protocol to ask clients for their password by an
authentication plugin of its choice, and writes down whatever they send.

usage: fake.py RECORD PLUGIN ADDRESS    ADDRESS is a port of 127.0.0.1 or a socket's path
"""

import os
import socket
import struct
import sys

RECORD, PLUGIN, ADDRESS = sys.argv[1:]
OK = b"\0\0\0\2\0\0\0"
CAPABILITIES = 0x00FFF7FF  # everything but TLS
GREETING = (
    b"\x0a5.5.5-10.11.14-MariaDB\0"
    + struct.pack("<I", 7)
    + b"A" * 8
    + b"\0"
    + struct.pack("<H", CAPABILITIES & 0xFFFF)
    + b"\x21\2\0"
    + struct.pack("<H", CAPABILITIES >> 16)
    + b"\x15"
    + b"\0" * 10
    + b"B" * 12
    + b"\0mysql_native_password\0"
)


def send(client, number, data):
    client.sendall(struct.pack("<I", len(data))[:3] + bytes([number]) + data)


def exactly(client, length):
    data = b""
    while len(data) < length:
        more = client.recv(length - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def receive(client):
    head = exactly(client, 4)
    data = exactly(client, int.from_bytes(head[:3], "little"))
    with open(RECORD, "ab") as record:
        record.write(data + b"\n")
    return head[3]


def attend(client):
    send(client, 0, GREETING)
    number = receive(client)
    send(client, number + 1, b"\xfe" + PLUGIN.encode() + b"\0")
    number = receive(client)
    send(client, number + 1, OK)
    while True:
        receive(client)
        send(client, 1, OK)


if ADDRESS.isdigit():
    listener = socket.create_server(("127.0.0.1", int(ADDRESS)))
else:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(ADDRESS)
    os.chmod(ADDRESS, 0o777)
    listener.listen()
print("ready", flush=True)
while True:
    connection, _ = listener.accept()
    try:
        attend(connection)
    except (EOFError, OSError):
        pass
    connection.close()
