# SPDX-License-Identifier: BSD-3-Clause
"""The cases of the module ftp: files to an FTP server on loopback, over a fast line and over a slow one."""

import os
import pwd
import subprocess
import urllib.parse

from bench_cases import Case, execute, mistamover, remove_files
from bench_servers import Server, SlowLine, free_port_range

CONNECTIONS = 4
PASSIVE_PORTS = 4000
# A slow line is that of a port of its own; these are few, so that each can have one.
SLOW_PASSIVE_PORTS = 100


class FtpDaemon(Server):
    """vsftpd that lets everybody write as the user who runs the benchmark. Data connections get ports below those that
    clients get, among which a finished transfer would hold one for a minute."""

    host = "127.0.0.1"

    def __init__(self, directory, passive_ports=PASSIVE_PORTS):
        self.directory = directory
        self.passive_ports = passive_ports

    def __enter__(self):
        self.directory.mkdir(mode=0o700)
        self.port = free_port_range(self.passive_ports + 1)
        config = self.directory / "vsftpd.conf"
        config.write_text(f"""listen=YES
background=NO
listen_address=127.0.0.1
listen_port={self.port}
run_as_launching_user=YES
anonymous_enable=YES
local_enable=NO
no_anon_password=NO
write_enable=YES
anon_upload_enable=YES
anon_mkdir_write_enable=YES
anon_other_write_enable=YES
anon_world_readable_only=NO
anon_umask=022
anon_root=/
allow_writeable_chroot=YES
seccomp_sandbox=NO
xferlog_enable=NO
max_clients=0
max_per_ip=0
secure_chroot_dir={self.directory}
ftp_username={pwd.getpwuid(os.geteuid()).pw_name}
pasv_min_port={self.port + 1}
pasv_max_port={self.port + self.passive_ports}
""")
        self.start("/usr/sbin/vsftpd", os.fspath(config))
        return self


class SlowFtpDaemon(FtpDaemon):
    """The same server, by a line that takes SLOW_LINE_MS each way: the same ports of another loopback address, because
    clients get the ports for data from the server."""

    host = "127.0.0.2"

    def __init__(self, directory):
        super().__init__(directory, SLOW_PASSIVE_PORTS)

    def __enter__(self):
        super().__enter__()
        self.line = SlowLine(self.port, self.port, "--ports", str(self.passive_ports + 1), address=self.host)
        return self

    def __exit__(self, *_):
        self.line.stop()
        super().__exit__()


def lftp(server, connections):
    def move(source, target):
        execute("lftp", "-c", f"""set net:max-retries 3; set cmd:fail-exit yes; set ftp:ssl-allow no;
open -u anonymous,x ftp://{server.host}:{server.port};
mirror -R --no-perms -P{connections} --Remove-source-files {source} {target}""")
    return move


def rclone(server, *options):
    def move(source, target):
        password = subprocess.run(["rclone", "obscure", "x"], capture_output=True, text=True, check=True).stdout.strip()
        execute("rclone", "--config", "", "move", *options, source,
                f":ftp,host={server.host},port={server.port},user=anonymous,pass='{password}':{target}")
    return move


def curl(server, *options):
    """It knows no directories: a file with an URL for each."""
    def move(source, target):
        config = source.parent / "curl-config"
        with open(config, "w", encoding="utf-8") as lines:
            for entry in os.scandir(source):
                url = f"ftp://{server.host}:{server.port}/{urllib.parse.quote(f'{target}/{entry.name}', safe='')}"
                lines.write(f'upload-file = "{entry.path}"\nurl = "{url}"\n')
        execute("curl", "-sS", "-Z", "--fail", "--ftp-method", "nocwd", "--user", "anonymous:x", *options, "-K", config)
        remove_files(source)
    return move


def ours(program, directories, server, sessions=4):
    section = f"ftp: {{port: {server.port}, password: x}}\n"
    return mistamover(program, directories, lambda target: f"plugin: ftp, target_host: {server.host}, "
                      f"target_dir: {target}, parallel_transfers: {sessions}", section)


def contenders(program, directories, server):
    return {
        **ours(program, directories, server),
        "lftp -P1": lftp(server, 1),
        "lftp -P4": lftp(server, 4),
        "lftp -P8": lftp(server, 8),
        "rclone": rclone(server),
        "curl -Z": curl(server),
    }


def slow_contenders(program, directories, server):
    """All with the same number of connections."""
    return {
        **ours(program, directories, server, CONNECTIONS),
        "lftp": lftp(server, CONNECTIONS),
        "rclone": rclone(server, "--transfers", str(CONNECTIONS)),
        "curl -Z": curl(server, "--parallel-max", str(CONNECTIONS)),
    }


def ftp_cases(program, directories):
    def fast(servers):
        return contenders(program, directories, servers["vsftpd"])

    def slow(servers):
        return slow_contenders(program, directories, servers["slow vsftpd"])

    return [Case("ftp", "disk", "disk", 1.0, fast, "ftp", "vsftpd", 1.5),
            Case("ftp-memory", "memory", "memory", 1.0, fast, "ftp", "vsftpd", 1.5),
            Case("ftp-slow", "memory", "memory", 0.9, slow, "ftp", "slow vsftpd")]
