#!/bin/sh -e
# A manager of the units in $1/config, as root's user manager is one, in a mount namespace of its own: it
# starts only where a directory says that the machine was booted with systemd.
mkdir -p /run/systemd
mount -t tmpfs none /run/systemd
mkdir /run/systemd/system
export HOME="$1" XDG_RUNTIME_DIR="$1/run" XDG_CONFIG_HOME="$1/config"
exec /lib/systemd/systemd --user --log-target=console
