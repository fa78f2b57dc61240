// SPDX-License-Identifier: BSD-3-Clause
extern "C" __attribute__((visibility("default"))) int just_a_function() {
    return 1;
}
