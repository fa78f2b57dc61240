// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fnmatch.h>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <poll.h>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <mistamover/plugin.hpp>

#include "local/local_options.hpp"
#include "local/local_session.hpp"

/// Copies files to a directory of this machine, and goes wrong as the lines of the file `.fault` in the
/// target directory say, which is read anew for every call:
///
///     put | stat | get | checksum | make | open   PATTERN   DEED
///
/// where DEED is one of
///
///     fail CODE SCOPE      does nothing, and says that it has failed
///     lost                 does it, and says that the connection was lost
///     lie                  does nothing, and says that it was done
///     truncate, corrupt    does it, and then cuts the last byte off, or alters it
///     flip, extend         does it, and then alters a bit anywhere, or adds a byte
///     change [PATH]        does it, and has the source, or PATH beside it, appended to meanwhile
///     note                 does it
///     silent               does it, and does not say so
///     throw, crash         throws an exception; ends the process
///     crash-after          does it, and ends the process
///     hang                 comes back only when cancelled
///     stick                never comes back
///
/// PATTERN is a shell's, for the path; PATH is one in the source directory. With `once ` in front a line
/// holds for one call, with `first ` for the first call with each path that a process makes. Each use is
/// noted in `.fault-uses`.
namespace {

using namespace mistamover;

constexpr std::array faulty_options{
    local::option_specs[0],
    OptionSpec{"without", OptionType::list, nullptr, "Capabilities that the target does not have"},
    OptionSpec{"one_case", OptionType::boolean, "false", "Take names that differ in case alone for one"},
    OptionSpec{"native_mirror", OptionType::boolean, "false", "Mirror natively, in one level, as rsync does"},
};

const std::map<std::string, Capability> capability_names{
    {"list", Capability::list},
    {"remove", Capability::remove},
    {"rename", Capability::rename},
    {"make_directory", Capability::make_directory},
    {"publish_rename", Capability::publish_rename},
    {"checksum", Capability::checksum},
    {"set_time", Capability::set_time},
};

struct Fault {
    std::string deed;
    std::string path;
    Status status;
};

StatusCode code_named(const std::string& name) {
    auto code = StatusCode::ok;
    while (to_string(code) != name && code != StatusCode::internal) {
        code = static_cast<StatusCode>(static_cast<std::uint16_t>(code) + 1);
    }
    return code;
}

StatusScope scope_named(const std::string& name) {
    return name == "item"      ? StatusScope::item
           : name == "session" ? StatusScope::session
                               : StatusScope::stream;
}

/// A directory as macOS or Windows would show it: a name leads to what is there under it in whatever case.
class OneCase {
  public:
    explicit OneCase(std::filesystem::path target_dir) : target_dir_(std::move(target_dir)) {}

    /// The path under which it is there, or the given one where it is not.
    [[nodiscard]] std::string find(std::string_view path) const {
        std::filesystem::path found;
        for (const auto& name : std::filesystem::path(path)) {
            found /= spelling_in(target_dir_ / found, name.string()).value_or(name.string());
        }
        return found.string();
    }
    /// Something was put to `path`: it has replaced what was there in another case, and has its name.
    void meet(const std::string& path) const {
        const std::filesystem::path whole(path);
        const std::filesystem::path parent = target_dir_ / whole.parent_path();
        const std::string name = whole.filename().string();
        const auto other = spelling_in(parent, name, name);
        if (other && !std::filesystem::is_directory(parent / name)) {
            std::filesystem::rename(parent / name, parent / *other);
        }
    }

  private:
    static std::optional<std::string> spelling_in(const std::filesystem::path& directory,
                                                  const std::string& name, const std::string& but = "") {
        std::error_code none;
        for (const auto& entry : std::filesystem::directory_iterator(directory, none)) {
            const std::string there = entry.path().filename().string();
            if (there != but && ::strcasecmp(there.c_str(), name.c_str()) == 0) {
                return there;
            }
        }
        return std::nullopt;
    }

    std::filesystem::path target_dir_;
};

/// The file `.fault` of a target directory.
class Faults {
  public:
    explicit Faults(std::string target_dir) : target_dir_(std::move(target_dir)) {}

    std::optional<Fault> find(const std::string& call, std::string_view path) const {
        std::ifstream file(target_dir_ + "/.fault");
        for (std::string line; std::getline(file, line);) {
            std::istringstream words(line);
            std::string first;
            std::string name;
            Fault fault;
            words >> first;
            const std::string how_often = first == "once" || first == "first" ? first : "";
            if (!how_often.empty()) {
                words >> first;
            }
            words >> name >> fault.deed;
            const bool is_meant = ::fnmatch(name.c_str(), std::string(path).c_str(), 0) == 0;
            const bool once = how_often == "once";
            if (first == call && is_meant && (how_often != "first" || is_first(path))) {
                use(line, once);
                if (fault.deed == "change") {
                    words >> fault.path;
                }
                std::string code = "connection_lost";
                std::string scope = "session";
                words >> code >> scope;
                fault.status = Status(code_named(code), scope_named(scope), "made to fail");
                return fault;
            }
        }
        return std::nullopt;
    }

  private:
    static bool is_first(std::string_view path) {
        static std::mutex mutex;
        static std::set<std::string, std::less<>> seen;
        const std::lock_guard lock(mutex);
        return seen.emplace(path).second;
    }

    void use(const std::string& line, bool once) const {
        std::ofstream(target_dir_ + "/.fault-uses", std::ios::app) << line << '\n';
        if (once) {
            ::unlink((target_dir_ + "/.fault").c_str());
        }
    }

    std::string target_dir_;
};

class FaultySession final : public Session {
  public:
    FaultySession(const local::LocalOptions& options, Capabilities capabilities, SessionContext& context,
                  bool one_case)
        : session_(options, context),
          one_case_(one_case ? std::optional<OneCase>(options.target_dir) : std::nullopt),
          capabilities_(capabilities),
          context_(context),
          target_dir_(options.target_dir),
          faults_(options.target_dir) {}

    Capabilities capabilities() override { return capabilities_; }

    Status put(const PutRequest& request, PutSink& sink) override {
        for (std::size_t i = 0; i < request.items.size(); ++i) {
            if (const Status status = put_one(request, i, sink); !status.ok()) {
                return status;
            }
        }
        return {};
    }

    Status stat(std::span<const std::string_view> paths, StatSink& sink) override {
        for (std::size_t i = 0; i < paths.size(); ++i) {
            const std::optional<Fault> fault = faults_.find("stat", paths[i]);
            crash_if(fault && fault->deed == "crash");
            if (fault && fault->deed == "fail") {
                if (fault->status.scope() != StatusScope::item) {
                    return fault->status;
                }
                sink.entry(i, fault->status, {});
            } else if (!fault) {
                OneStat one(sink, i);
                const std::string there = found(paths[i]);
                const std::string_view path = there;
                if (const Status status = session_.stat({&path, 1}, one); !status.ok()) {
                    return status;
                }
            }
        }
        return {};
    }

    Status checksum(std::string_view path, std::string_view algorithm, BytesSink& sink) override {
        if (const std::optional<Fault> fault = faults_.find("checksum", path)) {
            return fault->status;
        }
        return session_.checksum(found(path), algorithm, sink);
    }

    Status get_small(std::string_view path, std::uint64_t limit, BytesSink& sink) override {
        const std::optional<Fault> fault = faults_.find("get", path);
        if (fault && fault->deed != "crash") {
            return fault->status;
        }
        crash_if(fault.has_value());
        return session_.get_small(path, limit, sink);
    }
    Status list(std::string_view path, ListSink& sink) override { return session_.list(path, sink); }
    Status remove(std::span<const std::string_view> paths, RemoveSink& sink) override {
        return session_.remove(paths, sink);
    }
    Status rename(std::string_view from, std::string_view to) override {
        return session_.rename(from, found(to));
    }
    Status make_directory(std::string_view path) override {
        const std::optional<Fault> fault = faults_.find("make", path);
        return fault ? fault->status : session_.make_directory(found(path));
    }

    // What vanished goes last, by the name that it has at the target.
    Status mirror(const MirrorRequest& request, MirrorSink& sink) override {
        const std::filesystem::path source(request.source_root);
        for (const std::string& name : names_in(source)) {
            std::filesystem::copy_file(source / name, std::filesystem::path(target_dir_) / found(name),
                                       std::filesystem::copy_options::overwrite_existing);
            sink.sent(name, 0);
        }
        for (const std::string& name : names_in(target_dir_)) {
            if (request.remove_vanished && !std::filesystem::exists(source / name)) {
                std::filesystem::remove(std::filesystem::path(target_dir_) / name);
                sink.removed(name);
            }
        }
        return {};
    }

  private:
    // Of files alone, but for those that are no units.
    static std::vector<std::string> names_in(const std::filesystem::path& directory) {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(directory)) {
            const std::string name = entry.path().filename().string();
            if (entry.is_regular_file() && !name.starts_with('.')) {
                names.push_back(name);
            }
        }
        return names;
    }

    [[nodiscard]] std::string found(std::string_view path) const {
        return one_case_ ? one_case_->find(path) : std::string(path);
    }

    class OnePut final : public PutSink {
      public:
        void done(std::size_t, const Status& status, const PutReport& report) noexcept override {
            status_ = status;
            report_ = report;
        }
        Status status_;
        PutReport report_;
    };
    class OneStat final : public StatSink {
      public:
        OneStat(StatSink& sink, std::size_t index) : sink_(sink), index_(index) {}
        void entry(std::size_t, const Status& status, const EntryInfo& info) noexcept override {
            sink_.entry(index_, status, info);
        }

      private:
        StatSink& sink_;
        std::size_t index_;
    };

    // Ends the whole put where it does not return ok.
    Status put_one(const PutRequest& request, std::size_t index, PutSink& sink) {
        const PutItem& item = request.items[index];
        const Fault fault = faults_.find("put", item.path).value_or(Fault{});
        if (fault.deed == "fail") {
            if (fault.status.scope() == StatusScope::item) {
                sink.done(index, fault.status, {});
                return {};
            }
            return fault.status;
        }
        if (fault.deed == "lie") {
            sink.done(index, {}, {});
            return {};
        }
        if (fault.deed == "throw") {
            throw std::runtime_error("thrown for " + std::string(item.path));
        }
        crash_if(fault.deed == "crash");
        if (fault.deed == "hang") {
            pollfd cancelled{context_.cancel_fd(), POLLIN, 0};
            ::poll(&cancelled, 1, -1);
            return {StatusCode::cancelled, StatusScope::item, "cancelled"};
        }
        if (fault.deed == "stick") {
            while (true) {
                ::poll(nullptr, 0, -1);
            }
        }
        OnePut one;
        PutRequest alone = request;
        alone.items = {&item, 1};
        alone.may_take_source = false;
        if (const Status status = session_.put(alone, one); !status.ok()) {
            return status;
        }
        if (one_case_) {
            const std::string below =
                request.target_prefix.empty() ? "" : std::string(request.target_prefix) + '/';
            one_case_->meet(below + std::string(item.path));
        }
        crash_if(fault.deed == "crash-after");
        spoil(fault, request, item);
        if (fault.deed == "lost") {
            return Status(fault.status).with_outcome_unknown();
        }
        if (fault.deed != "silent") {
            sink.done(index, one.status_, one.report_);
        }
        return {};
    }

    static void crash_if(bool so) {
        if (so) {
            std::abort();
        }
    }

    void spoil(const Fault& fault, const PutRequest& request, const PutItem& item) {
        const std::string& deed = fault.deed;
        const std::string below =
            request.target_prefix.empty() ? "" : std::string(request.target_prefix) + '/';
        const std::string at_target = target_dir_ + '/' + below + std::string(item.path);
        if (deed == "truncate") {
            (void)::truncate(at_target.c_str(), static_cast<off_t>(item.size) - 1);
        } else if (deed == "corrupt") {
            std::fstream file(at_target, std::ios::in | std::ios::out | std::ios::binary);
            file.seekp(static_cast<off_t>(item.size) - 1);
            file.put('\xff');
        } else if (deed == "flip") {
            std::fstream file(at_target, std::ios::in | std::ios::out | std::ios::binary);
            const auto bit = static_cast<off_t>(std::random_device{}() % (item.size * 8));
            file.seekg(bit / 8);
            const int byte = file.get();
            file.seekp(bit / 8);
            file.put(static_cast<char>(byte ^ (1 << (bit % 8))));
        } else if (deed == "extend") {
            std::ofstream(at_target, std::ios::app) << 'x';
        } else if (deed == "change") {
            const std::string path = fault.path.empty() ? std::string(item.path) : fault.path;
            std::ofstream(std::string(request.source_root) + '/' + path, std::ios::app) << ", appended";
        }
    }

    local::LocalSession session_;
    std::optional<OneCase> one_case_;
    Capabilities capabilities_;
    SessionContext& context_;
    std::string target_dir_;
    Faults faults_;
};

class FaultyModule final : public TransferModule {
  public:
    explicit FaultyModule(const ModuleSettings& settings)
        : options_(settings),
          faults_(options_.target_dir),
          one_case_(Options(settings.options).flag("one_case")) {
        if (Options(settings.options).flag("native_mirror")) {
            capabilities_ = capabilities_ | Capability::mirror;
        }
        if (!one_case_) {
            capabilities_ = capabilities_ | Capability::tells_case_apart;
        }
        for (const auto& [name, capability] : capability_names) {
            if (!has(Options(settings.options).list("without"), name)) {
                capabilities_ = capabilities_ | capability;
            }
        }
    }

    std::unique_ptr<Session> open_session(SessionContext& context) override {
        if (const std::optional<Fault> fault = faults_.find("open", "*")) {
            throw StatusError(fault->status);
        }
        return std::make_unique<FaultySession>(options_, capabilities_, context, one_case_);
    }

  private:
    static bool has(const std::vector<std::string>& names, const std::string& name) {
        return std::find(names.begin(), names.end(), name) != names.end();
    }

    local::LocalOptions options_;
    Capabilities capabilities_ = Capability::symlinks;
    Faults faults_;
    bool one_case_;
};

}  // namespace

MISTAMOVER_PLUGIN(FaultyModule, "faulty", "1", "Goes wrong as it is told", faulty_options,
                  local::local_capabilities)
