// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <doctest/doctest.h>
#include <string>
#include <string_view>
#include <vector>

#include <mistamover/child_process.hpp>

#include "module_settings.hpp"
#include "quiet_context.hpp"
#include "scratch.hpp"
#include "sftp/ssh_command.hpp"

namespace mistamover::sftp {
namespace {

const std::string password_prompt = "mover@host's password: ";
const std::string passphrase_prompt = "Enter passphrase for key '/key': ";

/// Has the program asked by what may start it. A shell takes the place of ssh; it does not give way to the
/// program, since it has something to do behind it.
struct AskpassSite {
    AskpassSite() {
        mistamover::test::write_file(directory / "password", "my-word\nmore\n");
        mistamover::test::write_file(directory / "passphrase", "my-phrase\n");
        settings.set("ssh_key", "/key");
        settings.set("passphrase_file", (directory / "passphrase").string());
        environment = ssh_environment(SftpOptions(settings.get()), (directory / "password").string());
    }
    /// What it prints; checks that it fails where that is nothing, and only there.
    std::string run(std::vector<std::string> arguments) {
        std::string printed;
        const ChildResult result = run_child(
            {std::move(arguments), environment}, context, [&](std::string_view piece) { printed += piece; },
            [](std::string_view /*piece*/) {});
        CHECK(result.exited_with(printed.empty() ? 1 : 0));
        return printed;
    }
    std::string asked_by_ssh(const std::string& prompt) {
        return run({"sh", "-c", own_ssh, MISTAMOVER_ASKPASS, prompt});
    }
    std::string asked_by_ssh_of_jump_host(const std::string& prompt) {
        return run({"sh", "-c", "sh -c '" + own_ssh + "' \"$0\" \"$1\"; code=$?; exit $code",
                    MISTAMOVER_ASKPASS, prompt});
    }
    std::string asked_by_this_process(const std::string& prompt) { return run({MISTAMOVER_ASKPASS, prompt}); }

    const std::string own_ssh = "\"$0\" \"$1\"; code=$?; exit $code";
    mistamover::test::Scratch directory;
    mistamover::test::QuietContext context;
    mistamover::test::SettingsOfModule settings{option_specs};
    std::vector<std::string> environment;
};

}  // namespace

TEST_CASE("the ssh that the module has started is told the first line of the file that it asks for") {
    AskpassSite site;
    CHECK(site.asked_by_ssh(password_prompt) == "my-word\n");
    CHECK(site.asked_by_ssh("(mover@host) Password: ") == "my-word\n");
    CHECK(site.asked_by_ssh(passphrase_prompt) == "my-phrase\n");
}

TEST_CASE("no other program is told a secret, not even an ssh that the module's ssh has started") {
    AskpassSite site;
    for (const std::string& prompt : {password_prompt, passphrase_prompt}) {
        CHECK(site.asked_by_ssh_of_jump_host(prompt).empty());
        CHECK(site.asked_by_this_process(prompt).empty());
    }
    std::erase_if(site.environment, [](const std::string& variable) {
        return variable.starts_with(std::string(starter_variable) + '=');
    });
    CHECK(site.asked_by_ssh(password_prompt).empty());
}

TEST_CASE("a question of yes or no is answered by no secret") {
    AskpassSite site;
    CHECK(site.asked_by_ssh("The authenticity of host 'h' can't be established.\nAre you sure you want to "
                            "continue connecting (yes/no/[fingerprint])? ")
              .empty());
}

}  // namespace mistamover::sftp
