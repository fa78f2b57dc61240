# SPDX-License-Identifier: BSD-3-Clause
"""The cases of the module sftp: files to an SFTP server on loopback, over a fast line and over a slow one."""

from bench_cases import Case, execute, mistamover, remove_files
from bench_servers import SlowLine, SshDaemon, free_port

FAST_CIPHER = "aes128-gcm@openssh.com"
CONNECTIONS = 4


class SlowSshDaemon(SshDaemon):
    """The same server, by a line that takes SLOW_LINE_MS each way."""

    def __enter__(self):
        super().__enter__()
        fast_port, self.port = self.port, free_port()
        self.line = SlowLine(self.port, fast_port)
        self.trust(self.port)
        return self

    def __exit__(self, *_):
        self.line.stop()
        super().__exit__()


def lftp(server, connections, *ssh_options):
    def move(source, target):
        execute("lftp", "-c", f"""set sftp:auto-confirm yes; set net:max-retries 1; set cmd:fail-exit yes;
set sftp:connect-program "{server.command("-a", "-x", *ssh_options)}";
open -u {server.user}, sftp://127.0.0.1:{server.port};
mirror -R --no-perms -P{connections} --Remove-source-files {source} {target}""")
    return move


def rclone(server, *options):
    def move(source, target):
        execute("rclone", "--config", "", "move", *options, source,
                f":sftp,host=127.0.0.1,port={server.port},user={server.user},key_file={server.client_key},"
                f"known_hosts_file={server.known_hosts}:{target}")
    return move


def scp(server, *options):
    def move(source, target):
        execute("scp", "-q", "-r", "-p", "-P", str(server.port), *server.options(), *options, f"{source}/.",
                f"{server.user}@127.0.0.1:{target}/")
        remove_files(source)
    return move


def sftp(server, *options):
    def move(source, target):
        batch = source.parent / "sftp-batch"
        batch.write_text(f"put -rp {source}/. {target}/\n")
        execute("sftp", "-q", "-b", batch, "-P", str(server.port), *server.options(), *options,
                f"{server.user}@127.0.0.1")
        remove_files(source)
    return move


def ours(program, directories, server, sessions=4):
    section = (f"sftp: {{port: {server.port}, username: {server.user}, ssh_key: {server.client_key}, "
               f"known_hosts: {server.known_hosts}, agent: false}}\n")
    return mistamover(program, directories, lambda target: f"plugin: sftp, target_host: 127.0.0.1, "
                      f"target_dir: {target}, parallel_transfers: {sessions}", section)


def contenders(program, directories, server):
    fast = f"-oCiphers={FAST_CIPHER}"
    return {
        **ours(program, directories, server),
        "lftp -P1": lftp(server, 1),
        "lftp -P4": lftp(server, 4),
        "lftp -P8": lftp(server, 8),
        "lftp -P4, gcm": lftp(server, 4, fast),
        # Its cipher is aes-gcm anyway.
        "rclone": rclone(server),
        "rclone, 255 KiB": rclone(server, "--sftp-chunk-size", "255Ki", "--sftp-disable-hashcheck"),
        "scp": scp(server),
        "scp, gcm": scp(server, fast),
        "sftp": sftp(server),
        "sftp, gcm": sftp(server, fast),
    }


def slow_contenders(program, directories, server):
    """All with the same number of connections."""
    return {
        **ours(program, directories, server, CONNECTIONS),
        "lftp": lftp(server, CONNECTIONS),
        "rclone": rclone(server, "--transfers", str(CONNECTIONS), "--sftp-disable-hashcheck"),
    }


def sftp_cases(program, directories):
    def fast(servers):
        return contenders(program, directories, servers["sshd"])

    def slow(servers):
        return slow_contenders(program, directories, servers["slow sshd"])

    return [Case("sftp", "disk", "disk", 1.1, fast, "sftp", "sshd", 2.0),
            Case("sftp-memory", "memory", "memory", 1.1, fast, "sftp", "sshd", 2.0),
            Case("sftp-slow", "memory", "memory", 0.9, slow, "sftp", "slow sshd")]
