# SPDX-License-Identifier: BSD-3-Clause
"""unzip.py ZIP DIRECTORY: extracts everything, names byte by byte as they stand in the file, checking every sum."""

import os
import sys
import zipfile

with zipfile.ZipFile(sys.argv[1]) as archive:
    for info in archive.infolist():
        name = info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437")
        path = os.path.join(os.fsencode(sys.argv[2]), name)
        if name.endswith(b"/"):
            os.makedirs(path, exist_ok=True)
            continue
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "xb") as file:
            file.write(archive.read(info))
