"""What MySQL Workbench does with a server: logs in over SSH, runs SQL through a tunnel in that
session, and starts and stops the server by shell commands. Fails where a step fails."""

import socket
import sys

import paramiko
import pymysql

(ssh_port, user, key, sql_port, password, start, stop, data, readable) = sys.argv[1:]


def login():
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect(
        "127.0.0.1", port=int(ssh_port), username=user, key_filename=key,
        allow_agent=False, look_for_keys=False, timeout=20,
    )
    return client


def query(client, account, secret, statement):
    channel = client.get_transport().open_channel(
        "direct-tcpip", ("127.0.0.1", int(sql_port)), ("127.0.0.1", 0), timeout=20)
    connection = pymysql.Connection(user=account, password=secret, defer_connect=True)
    connection.connect(channel)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()
    finally:
        connection.close()


def shell(client, command):
    _, output, errors = client.exec_command(command, timeout=60)
    code = output.channel.recv_exit_status()
    assert code == 0, (command, code, output.read(), errors.read())


def refused(action, *kinds):
    try:
        action()
    except kinds as error:
        return error
    raise AssertionError("it was not refused")


client = login()
assert query(client, "app", password, "SELECT text FROM shop.people")[0][0].startswith("Row")
refused(lambda: query(client, "nobody_such", "", "SELECT 1"), pymysql.err.OperationalError)

files = client.open_sftp()
with files.open(readable) as log:
    assert log.read(1), "the group's file cannot be read: a blind test"
refused(lambda: files.open(data + "/ibdata1").read(1), PermissionError)
refused(lambda: files.open(data + "/shop/secrets.MYD").read(1), PermissionError)

shell(client, "sudo -n " + stop)
refused(lambda: query(client, "app", password, "SELECT 1"), paramiko.ChannelException, OSError)
shell(client, "sudo -n " + start)
assert query(client, "app", password, "SELECT text FROM shop.people")[0][0].startswith("Row")
refused(lambda: query(client, "nobody_such", "", "SELECT 1"), pymysql.err.OperationalError)
files.close()
client.close()

# A second session, after the first has ended: the server does not belong to it.
client = login()
assert query(client, "app", password, "SELECT COUNT(*) FROM shop.people") == ((1,),)
client.close()
print("done")
