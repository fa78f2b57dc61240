# SPDX-License-Identifier: BSD-3-Clause
"""From the close of a file to its final name at the target, with the daemon running and the module local."""

import argparse
import time

import bench_common as common


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--every", type=float, default=0.02, help="seconds between two files (0.02)")
    parser.add_argument("--size", type=int, default=4096, help="bytes of a file (4096)")
    parser.add_argument("--disk", default="/var/tmp", help="where source and target are (/var/tmp)")
    parser.add_argument("--target", help="where the target is, if elsewhere")
    parser.add_argument("--prefix", help="an installed MiStaMover, instead of building build/release")
    arguments = parser.parse_args()

    prefix = common.pathlib.Path(arguments.prefix) if arguments.prefix else common.build_program()
    scratch = common.Scratch({"source": arguments.disk, "target": arguments.target or arguments.disk})
    try:
        program = common.copy_program(prefix, scratch["source"] / "program")
        user = common.become_ordinary()
        scratch.give_to(user)
        common.drop_to(user)
        measure(arguments, program, scratch)
    finally:
        scratch.remove()


def measure(arguments, program, scratch):
    source, target = scratch["source"] / "outgoing", scratch["target"] / "archive"
    source.mkdir()
    target.mkdir()
    config = common.write_configuration(scratch["source"] / "config", {
        "latency": f"data_stream: {{directory: {source}}}\noutgoing: {{plugin: local, target_dir: {target}}}\n"})
    arrivals = common.Arrivals([target])
    content = b"x" * arguments.size
    closed = {}
    with common.Daemon(program, config) as daemon:
        (source / "first").write_bytes(content)
        daemon.wait_for("the first file to be moved", (target / "first").exists)
        begin = time.monotonic()
        for number in range(arguments.files):
            time.sleep(max(0.0, begin + number * arguments.every - time.monotonic()))
            name = f"file-{number}"
            closed[name] = common.write_and_close(source / name, content)
        missing = arrivals.wait(closed, 60)
    if missing:
        raise SystemExit(f"{len(missing)} files never arrived")
    common.print_latencies(closed, arrivals.at)


if __name__ == "__main__":
    main()
