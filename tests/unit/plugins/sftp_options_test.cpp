// SPDX-License-Identifier: BSD-3-Clause
#include "sftp/sftp_options.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <string>
#include <unistd.h>

#include "module_settings.hpp"
#include "sftp/ssh_command.hpp"

namespace mistamover::sftp {
namespace {

class SftpSettings : public mistamover::test::SettingsOfModule {
  public:
    SftpSettings() : SettingsOfModule(option_specs) {}
};

std::string sftp_refusal_of(SftpSettings& settings) {
    try {
        const SftpOptions options(settings.get());
        return "";
    } catch (const StatusError& error) {
        CHECK(error.status().code() == StatusCode::configuration);
        CHECK(error.status().scope() == StatusScope::stream);
        return error.what();
    }
}

bool has(const std::vector<std::string>& arguments, const std::string& wanted) {
    return std::find(arguments.begin(), arguments.end(), wanted) != arguments.end();
}

std::vector<std::string> arguments_of(SftpSettings& settings) {
    return ssh_arguments(SftpOptions(settings.get()));
}

}  // namespace

TEST_CASE("the defaults are strict host keys, an agent and nobody's password") {
    SftpSettings settings;
    const SftpOptions options(settings.get());
    CHECK_FALSE(options.accept_new_host);
    CHECK(options.agent);
    CHECK_FALSE(options.has_password());
    CHECK_FALSE(options.port);
    CHECK(options.connect_timeout_s == 30);
    CHECK_FALSE(options.limited_bandwidth);
}

TEST_CASE("a host that ssh would take for something else is refused, and so is no directory") {
    for (const std::string_view host : {"", "-oProxyCommand=x", "user@host", "host/x", "a b"}) {
        SftpSettings settings;
        settings.values.target_host = host;
        CHECK_MESSAGE(sftp_refusal_of(settings).find("target_host") != std::string::npos, host);
    }
    SftpSettings settings;
    settings.values.target_dir = "";
    CHECK(sftp_refusal_of(settings).find("target_dir") != std::string::npos);
}

TEST_CASE("what does not fit together, or into ssh's configuration, is refused") {
    const std::vector<std::vector<std::pair<const char*, const char*>>> refused{
        {{"password", "a"}, {"password_file", "/f"}},
        {{"password", "a\nb"}},
        {{"username", "-x"}},
        {{"username", "a b"}},
        {{"port", "0"}},
        {{"port", "65536"}},
        {{"passphrase_file", "/f"}},
        {{"ssh_key", "/a\"b"}},
        {{"known_hosts", "/a\nb"}},
        {{"ciphers", "aes128-ctr, aes256-ctr"}}};
    for (const auto& options : refused) {
        SftpSettings settings;
        for (const auto& [name, value] : options) {
            settings.set(name, value);
        }
        CHECK_MESSAGE(!sftp_refusal_of(settings).empty(), options.front().first);
    }
}

TEST_CASE("a directory has no slash at its end, but for the root") {
    SftpSettings settings;
    settings.values.target_dir = "/data//";
    CHECK(SftpOptions(settings.get()).target_dir == "/data");
    settings.values.target_dir = "/";
    CHECK(SftpOptions(settings.get()).target_dir == "/");
}

TEST_CASE("ssh is told to ask nobody, to share nothing, and to check the host's key") {
    SftpSettings settings;
    const auto arguments = arguments_of(settings);
    for (const char* wanted :
         {"-oBatchMode=yes", "-oPasswordAuthentication=no", "-oStrictHostKeyChecking=yes",
          "-oControlMaster=no", "-oControlPath=none", "-oForwardAgent=no", "-oClearAllForwardings=yes",
          "-oPermitLocalCommand=no", "-oUpdateHostKeys=no", "-oConnectTimeout=30", "-oCompression=no"}) {
        CHECK_MESSAGE(has(arguments, wanted), wanted);
    }
    CHECK(arguments.front() == "ssh");
    // The host cannot be taken for an option.
    const std::vector<std::string> end(arguments.end() - 4, arguments.end());
    CHECK(end == std::vector<std::string>{"-s", "--", "host", "sftp"});
    CHECK(ssh_environment(SftpOptions(settings.get()), "").empty());
}

TEST_CASE("an idle connection is kept in use, and none is ended over a server that is too busy to answer") {
    SftpSettings settings;
    const auto arguments = arguments_of(settings);
    CHECK(has(arguments, "-oServerAliveInterval=15"));
    CHECK(has(arguments, "-oServerAliveCountMax=2147483647"));
}

TEST_CASE("the options become ssh's, a path between quotes") {
    SftpSettings settings;
    settings.set("port", "2222");
    settings.set("username", "mover");
    settings.set("ssh_key", "/keys/100% mine");
    settings.set("known_hosts", "/hosts");
    settings.set("host_key", "accept-new");
    settings.set("agent", "false");
    settings.set("ciphers", "aes128-ctr");
    settings.set("ssh_config", "/config");
    const auto arguments = arguments_of(settings);
    for (const char* wanted : {"-oPort=2222", "-oUser=mover", "-oIdentityFile=\"/keys/100%% mine\"",
                               "-oIdentitiesOnly=yes", "-oUserKnownHostsFile=\"/hosts\"",
                               "-oGlobalKnownHostsFile=/dev/null", "-oStrictHostKeyChecking=accept-new",
                               "-oIdentityAgent=none", "-oCiphers=aes128-ctr", "-F", "/config"}) {
        CHECK_MESSAGE(has(arguments, wanted), wanted);
    }
}

TEST_CASE("a password is in no argument, and only a file that holds it in the environment") {
    SftpSettings settings;
    settings.set("password", "my-word");
    SftpOptions options(settings.get());
    options.askpass = "/askpass";
    for (const std::string& argument : ssh_arguments(options)) {
        CHECK(argument.find("my-word") == std::string::npos);
    }
    CHECK(has(ssh_arguments(options), "-oBatchMode=no"));
    const auto environment = ssh_environment(options, "/run/password");
    for (const std::string& variable : environment) {
        CHECK(variable.find("my-word") == std::string::npos);
    }
    CHECK(has(environment, "SSH_ASKPASS=/askpass"));
    CHECK(has(environment, std::string(password_variable) + "=/run/password"));
    CHECK(has(environment, std::string(starter_variable) + '=' + std::to_string(::getpid())));
}

}  // namespace mistamover::sftp
