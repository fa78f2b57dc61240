# SPDX-License-Identifier: BSD-3-Clause
"""The ways of moving files that are compared, and who can go each of them."""

import os
import shutil
import subprocess
import sys
import time

from bench_daemon import Daemon, write_configuration

# As one command, its start included; and as the service that it is, which runs before there is anything to move.
ONE_OFF = "mistamover"
SERVICE = "mistamover daemon"
OURS = (ONE_OFF, SERVICE)
# Shown for scale, and not what the ratios are to: it knows neither when a file is complete nor whether it arrived.
REFERENCE = "mv"


class Case:
    """`contenders` is a function of the servers that makes contender -> function of (source, target), which moves all
    files from one directory to the other and may return the seconds that count. `wanted`: the ratio to the best peer
    that the project wants, `wanted_small`: with small files. `server`: which of the servers it needs."""

    def __init__(self, name, source, target, wanted, contenders, module="local", server=None, wanted_small=None):
        self.name = name
        self.source = source
        self.target = target
        self.wanted = wanted
        self.contenders = contenders
        self.module = module
        self.server = server
        self.wanted_small = wanted_small or wanted

    def wanted_with(self, workload):
        return self.wanted_small if workload.size < 1 << 16 else self.wanted


def execute(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"failed with {done.returncode}: {' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


def move_with_mv(source, target):
    execute("find", source, "-mindepth", "1", "-maxdepth", "1", "-exec", "mv", "-t", target, "{}", "+")


def remove_files(source):
    execute("find", source, "-mindepth", "1", "-delete")


def copy_and_remove(source, target):
    execute("cp", "-a", f"{source}/.", f"{target}/")
    remove_files(source)


def rclone(source, target):
    execute("rclone", "--config", "", "move", source, target)


def rsync(*options, to=None):
    def move(source, target):
        execute("rsync", "-a", "--remove-source-files", *options, f"{source}/", to(target) if to else f"{target}/")
    return move


def is_empty(directory):
    with os.scandir(directory) as entries:
        return all(entry.name.startswith(".") for entry in entries)


def wait_until_empty(directory, service, seconds=1200):
    deadline = time.monotonic() + seconds
    while not is_empty(directory):
        if service.process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"the daemon did not empty {directory}")
        time.sleep(0.005)


def let_daemon_move(program, config, source, target):
    """The seconds from when its stop file goes until the last file is deleted. It has moved a file before."""
    waiting = source.with_name("waiting")
    source.rename(waiting)
    source.mkdir()
    with Daemon(program, config) as service:
        (source / "first").write_bytes(b"first")
        wait_until_empty(source, service)
        (target / "first").unlink()
        (source / ".stop").touch()
        service.wait_for("the stream to be suspended",
                         lambda: (service.status() or {}).get("streams", [{}])[0].get("state") == "suspended")
        for entry in list(os.scandir(waiting)):
            os.rename(entry.path, source / entry.name)
        waiting.rmdir()
        begin = time.monotonic()
        (source / ".stop").unlink()
        wait_until_empty(source, service)
        return time.monotonic() - begin


def mistamover(program, directories, outgoing, section=""):
    """Its two contenders. `outgoing(target)` is the YAML of that section."""
    def configure(source, target):
        directory = directories["disk"] / "config"
        shutil.rmtree(directory, ignore_errors=True)
        return write_configuration(directory, {
            "bench": f"data_stream: {{directory: {source}}}\noutgoing: {{{outgoing(target)}}}\n{section}"})

    def as_command(source, target):
        config = configure(source, target)
        begin = time.monotonic()
        execute(program, "run", "--one-off", config)
        return time.monotonic() - begin

    def as_service(source, target):
        return let_daemon_move(program, configure(source, target), source, target)

    return {ONE_OFF: as_command, SERVICE: as_service}


def local_cases(program, directories):
    ours = mistamover(program, directories, lambda target: f"plugin: local, target_dir: {target}")

    def same(_):
        return {**ours, REFERENCE: move_with_mv, "rclone move": rclone}

    def across(_):
        return {**ours, "cp+rm": copy_and_remove, "rsync": rsync(), "rclone move": rclone}

    return [
        Case("local-same-fs", "disk", "disk", 1.0, same),
        Case("local-same-fs-memory", "memory", "memory", 1.0, same),
        Case("local-across-to-disk", "memory", "disk", 1.0, across),
        Case("local-across-to-memory", "disk", "memory", 1.0, across),
    ]


def ssh_contenders(program, directories, servers):
    sshd = servers["sshd"]
    options = {"transport": "ssh", "port": sshd.port, "username": sshd.user, "ssh_key": sshd.client_key,
               "known_hosts": sshd.known_hosts}
    section = "rsync: {" + ", ".join(f"{key}: {value}" for key, value in options.items()) + "}\n"

    def to(target):
        return f"{sshd.user}@127.0.0.1:{target}/"

    return {
        **mistamover(program, directories,
                     lambda target: f"plugin: rsync, target_host: 127.0.0.1, target_dir: {target}", section),
        "rsync": rsync("-e", sshd.command(), to=to),
        "rsync, aes-gcm": rsync("-e", sshd.command("-c", "aes128-gcm@openssh.com"), to=to),
    }


def daemon_contenders(program, directories, servers, place):
    rsyncd = servers["rsyncd"]

    def to(target):
        return f"rsync://127.0.0.1:{rsyncd.port}/{rsyncd.module_path(place, target)}/"

    return {
        **mistamover(program, directories, lambda target: "plugin: rsync, target_host: 127.0.0.1, "
                                                          f"target_dir: {rsyncd.module_path(place, target)}",
                     f"rsync: {{transport: daemon, port: {rsyncd.port}}}\n"),
        "rsync": rsync(to=to),
        # Without it, the client waits for the daemon's delayed acknowledgements.
        "rsync, no delay": rsync("--sockopts=TCP_NODELAY", to=to),
    }


def rsync_cases(program, directories):
    cases = []
    for suffix, place in ("", "disk"), ("-memory", "memory"):
        cases += [
            Case(f"rsync-ssh{suffix}", place, place, 0.95,
                 lambda servers: ssh_contenders(program, directories, servers), "rsync", "sshd"),
            Case(f"rsync-daemon{suffix}", place, place, 0.95,
                 lambda servers, place=place: daemon_contenders(program, directories, servers, place),
                 "rsync", "rsyncd"),
        ]
    return cases


def all_cases(program, directories):
    return local_cases(program, directories) + rsync_cases(program, directories)
