# SPDX-License-Identifier: BSD-3-Clause
"""What is moved: written anew for each run, and checked afterwards."""

import argparse
import os
import re
import sys

PIECE = 1 << 20
RANDOM = os.urandom(PIECE)
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


class Workload:
    """`count` files of `size` bytes, each with a content of its own."""

    def __init__(self, text):
        """From a text such as 10000x4K."""
        match = re.fullmatch(r"(\d+)x(\d+)([KMG]?)", text)
        if not match or int(match[1]) == 0 or int(match[2]) == 0:
            raise argparse.ArgumentTypeError(f"`{text}` is not a workload: COUNTxSIZE is wanted, as in 10000x4K, 1x2G")
        self.name = text
        self.count = int(match[1])
        self.size = int(match[2]) * UNITS[match[3]]

    def file_name(self, number):
        return f"file-{number:06d}.dat"

    def pieces(self, number):
        """The content: random bytes, each piece of which begins with the file's and its own number."""
        for offset in range(0, self.size, PIECE):
            mark = f"{number} {offset} ".encode()
            length = min(PIECE, self.size - offset)
            yield (mark + RANDOM[:length - len(mark)])[:length]

    def write(self, directory):
        for number in range(self.count):
            with open(directory / self.file_name(number), "wb", buffering=0) as file:
                for piece in self.pieces(number):
                    file.write(piece)

    def check(self, source, target, what):
        """Ends the benchmark unless all files are whole at the target and none is left at the source."""
        left = [name for name in os.listdir(source) if not name.startswith(".")]
        if left:
            sys.exit(f"{what}: {len(left)} files were left at the source")
        found = set(os.listdir(target))
        expected = {self.file_name(number) for number in range(self.count)}
        if found != expected:
            sys.exit(f"{what}: {len(expected - found)} files are missing at the target, "
                     f"{sorted(found - expected)[:5]} should not be there")
        for number in range(self.count):
            with open(target / self.file_name(number), "rb", buffering=0) as file:
                for piece in self.pieces(number):
                    if file.read(len(piece)) != piece:
                        sys.exit(f"{what}: {self.file_name(number)} is not what was sent")
                if file.read(1):
                    sys.exit(f"{what}: {self.file_name(number)} is longer than what was sent")


STANDARD = ["10000x4K", "500x1M", "1x2G"]
QUICK = ["500x4K", "50x1M", "1x256M"]
