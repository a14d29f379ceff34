"""A PyKMIP server with two objects: DIRECTORY PORT VERSION. Prints their names when it serves."""

import json
import logging
import os
import sys
import socket
import threading
import time
import warnings

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

from kmip.core import enums
from kmip.core.messages import contents
from kmip.pie import client, objects
from kmip.services.server import KmipServer

HOST = "127.0.0.1"
directory, port, version = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def at(name):
    return os.path.join(directory, name)


def listens():
    try:
        socket.create_connection((HOST, port), 1).close()
        return True
    except OSError:
        return False


def register():
    while not listens():
        time.sleep(0.05)
    spoken = enums.KMIPVersion["KMIP_" + version.replace(".", "_")]
    export = [enums.CryptographicUsageMask.EXPORT]
    with client.ProxyKmipClient(
        hostname=HOST, port=port, cert=at("client.crt"), key=at("client.key"), ca=at("ca.crt"),
        ssl_version="PROTOCOL_TLSv1_2", kmip_version=spoken,
    ) as speaker:
        aes = enums.CryptographicAlgorithm.AES
        key = objects.SymmetricKey(aes, 256, bytes(range(32)), masks=export)
        secret = objects.SecretData(b"a secret of the machine", enums.SecretDataType.PASSWORD, masks=export)
        other = objects.OpaqueObject(b"anything at all, really", enums.OpaqueDataType.NONE)
        names = {"key": key, "secret": secret, "opaque": other}
        names = {name: speaker.register(item) for name, item in names.items()}
    with open(at("objects.json.new"), "w") as file:
        json.dump(names, file)
    os.rename(at("objects.json.new"), at("objects.json"))


os.makedirs(at("policy"), exist_ok=True)
server = KmipServer(
    hostname=HOST, port=port, certificate_path=at("server.crt"), key_path=at("server.key"),
    ca_path=at("server-ca.crt"), auth_suite="TLS1.2", config_path=None, log_path=at("log"),
    policy_path=at("policy"), enable_tls_client_auth=False, database_path=at("db"),
)
server.start()
major, minor = version.split(".")
server._engine._protocol_versions = [contents.ProtocolVersion(int(major), int(minor))]
if not os.path.exists(at("objects.json")):
    threading.Thread(target=register, daemon=True).start()
server.serve()
