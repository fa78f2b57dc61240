# SPDX-License-Identifier: BSD-3-Clause
"""sshd and rsyncd on loopback, as the user who runs the benchmark, on ports that are free."""

import os
import pathlib
import pwd
import random
import socket
import subprocess
import sys
import time

SLOW_LINE_MS = 25


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def free_port_range(count):
    """The first of so many ports in a row, below those that clients are given."""
    while True:
        first = random.randrange(10000, 30000 - count)
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue


def wait_for_port(port, is_running=lambda: True, address="127.0.0.1"):
    """False where it does not come to listen."""
    deadline = time.monotonic() + 30
    while is_running() and time.monotonic() < deadline:
        try:
            socket.create_connection((address, port), 1).close()
            return True
        except OSError:
            time.sleep(0.02)
    return False


class Server:
    """A program that listens on self.port, until the end of the with block."""

    def start(self, *command):
        self.log = open(self.directory / "log", "wb")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        if not wait_for_port(self.port, lambda: self.process.poll() is None):
            sys.exit(f"{command[0]} does not listen: {(self.directory / 'log').read_text()}")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.log.close()


class SlowLine:
    """Carries what comes to a port to another one, each way SLOW_LINE_MS later, until stop. The options are those of
    slow_line.py."""

    def __init__(self, port, to_port, *options, address="127.0.0.1"):
        self.process = subprocess.Popen([sys.executable, "-B", pathlib.Path(__file__).with_name("slow_line.py"),
                                         "--address", address, *options, str(port), str(to_port), str(SLOW_LINE_MS)])
        wait_for_port(port, address=address)

    def stop(self):
        self.process.terminate()
        self.process.wait()


class SshDaemon(Server):
    def __init__(self, directory):
        self.directory = directory
        self.user = pwd.getpwuid(os.geteuid()).pw_name
        self.client_key = directory / "client_key"
        self.known_hosts = directory / "known_hosts"

    def __enter__(self):
        self.directory.mkdir(mode=0o700)
        self.port = free_port()
        host_key = self.directory / "host_key"
        for key in (host_key, self.client_key):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        (self.directory / "authorized_keys").write_text(self.client_key.with_suffix(".pub").read_text())
        self.public_key = " ".join(host_key.with_suffix(".pub").read_text().split()[:2])
        self.trust(self.port)
        config = self.directory / "sshd_config"
        config.write_text(f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {host_key}\nPidFile none\nUsePAM no\n"
                          f"AuthorizedKeysFile {self.directory}/authorized_keys\nStrictModes no\n"
                          "PasswordAuthentication no\nMaxStartups 100\nMaxSessions 100\nPrintMotd no\n"
                          "Subsystem sftp internal-sftp\n")
        self.start("/usr/sbin/sshd", "-D", "-e", "-f", os.fspath(config))
        return self

    def trust(self, port):
        with open(self.known_hosts, "a", encoding="utf-8") as known_hosts:
            known_hosts.write(f"[127.0.0.1]:{port} {self.public_key}\n")

    def options(self):
        """For ssh, scp and sftp."""
        return ["-i", str(self.client_key), "-o", f"UserKnownHostsFile={self.known_hosts}", "-o", "BatchMode=yes"]

    def command(self, *options):
        """The ssh command line for `rsync -e`."""
        return " ".join(["ssh", "-p", str(self.port), *self.options(), *options])


class RsyncDaemon(Server):
    """One module a place, which holds that place's scratch directory. The daemon's end has no delay either: it is the
    sender's that decides which contender stalls."""

    def __init__(self, directory, places):
        self.directory = directory
        self.places = places

    def __enter__(self):
        self.directory.mkdir()
        self.port = free_port()
        text = "use chroot = no\nread only = no\nsocket options = TCP_NODELAY\n"
        for name, path in self.places.items():
            text += f"[{name}]\npath = {path}\n"
        config = self.directory / "rsyncd.conf"
        config.write_text(text)
        self.start("rsync", "--daemon", "--no-detach", f"--config={config}", f"--port={self.port}",
                   "--address=127.0.0.1", f"--log-file={self.directory}/rsyncd.log")
        return self

    def module_path(self, place, path):
        return f"{place}/{path.relative_to(self.places[place])}"


class FtpDaemon(Server):
    """Lets everybody write as the user of the benchmark; paths are those of this machine."""

    def __init__(self, directory):
        self.directory = directory

    def __enter__(self):
        self.directory.mkdir()
        self.port = free_port()
        config = self.directory / "vsftpd.conf"
        config.write_text(f"listen=YES\nbackground=NO\nlisten_address=127.0.0.1\nlisten_port={self.port}\n"
                          "run_as_launching_user=YES\nanonymous_enable=YES\nlocal_enable=NO\nno_anon_password=NO\n"
                          "write_enable=YES\nanon_upload_enable=YES\nanon_mkdir_write_enable=YES\n"
                          "anon_other_write_enable=YES\nanon_world_readable_only=NO\nanon_umask=022\nanon_root=/\n"
                          "allow_writeable_chroot=YES\nseccomp_sandbox=NO\nxferlog_enable=NO\nmax_clients=0\n"
                          f"max_per_ip=0\nsecure_chroot_dir={self.directory}\n"
                          f"ftp_username={pwd.getpwuid(os.geteuid()).pw_name}\n")
        self.start("vsftpd", os.fspath(config))
        return self
