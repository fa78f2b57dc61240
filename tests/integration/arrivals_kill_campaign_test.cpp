// SPDX-License-Identifier: BSD-3-Clause
#include <array>
#include <doctest/doctest.h>

#include "campaign.hpp"
#include "receiver.hpp"

namespace mistamover::test {
namespace {

namespace fs = std::filesystem;

// What the monitor may be at when it is killed, and what must come of it all the same.
struct Row {
    const char* what;
    const char* content;   // what arrives, of "hello" that was announced; null: nothing
    const char* has_name;  // what has the name in the stream's directory; null: nothing
    const char* answer;    // the receipt's status and size
    int delivered;         // how often the file appears in the stream's directory
    bool thanked;          // the thank-you is there from the beginning of the steps
};

constexpr std::array<Row, 7> kill_rows{{
    {"whole", "hello", nullptr, "0\n5\n", 1, false},
    {"damaged", "hullo", nullptr, "2\n5\n", 0, false},
    {"short", "hell", nullptr, "1\n4\n", 0, false},
    {"absent", nullptr, nullptr, "4\n-1\n", 0, false},
    {"the same again", "hello", "hello", "0\n5\n", 0, false},
    {"its name taken", "hello", "other", "0\n5\n", 1, false},
    {"thanked", "hello", nullptr, "0\n5\n", 1, true},
}};

struct Kill {
    int step;
    const char* when;
};

class Run {
  public:
    Run(const Row& row, const Kill& kill)
        : row_(row),
          plan_(receiver_.site().home() / "kill-plan"),
          daemon_(receiver_.site(), {"LD_PRELOAD=" MISTAMOVER_KILL_AT, "KILL_AT_PLAN=" + plan_.string(),
                                     "ASAN_OPTIONS=verify_asan_link_order=0"}) {
        REQUIRE(eventually([&] { return fs::exists(receiver_.journal()); }));
        if (row_.has_name != nullptr) {
            write_file(receiver_.delivered("f"), row_.has_name);
        }
        const std::string text = std::to_string(kill.step) + ' ' + kill.when;
        if (row_.thanked) {
            send();
            wait_for_receipt();
            const std::string thank_you = receiver_.accepted("f", "hello");
            receiver_.put(plan_, text);
            receiver_.thank(receipt_name(), thank_you);
        } else {
            receiver_.put(plan_, text);
            send();
            wait_for_receipt();
        }
    }

    // Nothing is lost, nothing delivered twice, nothing left behind. False where there was no such step.
    bool ends_well() {
        if (!row_.thanked) {
            const std::string thank_you = thank_you_name();
            CHECK(receiver_.in_incoming() == std::set<std::string>{receipt_name()});
            CHECK(eventually([&] { return fs::is_empty(receiver_.journal()); }));
            take_delivered();
            receiver_.thank(receipt_name(), thank_you);
        }
        CHECK(eventually([&] { return receiver_.in_incoming().empty(); }));
        CHECK(eventually([&] { return fs::is_empty(receiver_.journal()); }));
        CHECK(delivered_ == row_.delivered);
        if (row_.has_name != nullptr) {
            const bool is_same = std::string(row_.has_name) == "hello";
            CHECK(read_file(is_same ? receiver_.delivered("f") : aside()) == row_.has_name);
        }
        return !fs::exists(plan_);
    }

  private:
    [[nodiscard]] fs::path aside() const { return receiver_.site().home() / "aside"; }
    [[nodiscard]] std::string receipt_name() const { return receiver_.receipt("f").filename().string(); }

    void send() const {
        if (row_.content != nullptr) {
            receiver_.put(receiver_.incoming() / "f", row_.content);
        }
        receiver_.announce("f", "hello");
    }

    // What is delivered goes on at once, as where the stream sends it on.
    void take_delivered() {
        const fs::path taken = receiver_.site().home() / "taken";
        std::error_code error;
        if (row_.has_name == nullptr || fs::exists(aside())) {
            fs::rename(receiver_.delivered("f"), taken, error);
            if (!error) {
                CHECK(read_file(taken) == "hello");
                ++delivered_;
            }
        }
    }

    void wait_for_receipt() {
        const bool is_other = row_.has_name != nullptr && std::string(row_.has_name) != "hello";
        const bool came = eventually([&] {
            if (is_other && receiver_.site().log("arrmon_p").find("f is held") != std::string::npos &&
                !fs::exists(aside())) {
                fs::rename(receiver_.delivered("f"), aside());
            }
            take_delivered();
            return receiver_.is_answered("f");
        });
        INFO(receiver_.site().log("arrmon_p"));
        REQUIRE(came);
        take_delivered();
    }

    [[nodiscard]] std::string thank_you_name() const {
        const std::string size_and_status = row_.answer;
        const bool with_sum = size_and_status.front() == '0' || size_and_status.front() == '2';
        return receiver_.answer("f", size_and_status + (with_sum ? md5_of(row_.content) : ""));
    }

    const Row& row_;
    Receiver receiver_;
    fs::path plan_;
    Daemon daemon_;
    int delivered_ = 0;
};

}  // namespace

TEST_SUITE_BEGIN("arrivals_kill_campaign");

TEST_CASE("SIGKILL of the arrivals monitor at each of its steps loses, repeats and leaves nothing") {
    int kills = 0;
    for (const Row& row : kill_rows) {
        INFO(row.what);
        // Every step in the full campaign, some of them otherwise.
        const int stride = is_full_campaign() ? 1 : 5;
        bool is_step = true;
        // One after the other before and after a step; the last finds that there is no such step.
        for (int number = static_cast<int>(&row - kill_rows.data()) % stride; is_step; number += stride) {
            const Kill kill{1 + number / 2, number % 2 == 0 ? "before" : "after"};
            INFO(kill.when << " step " << kill.step);
            is_step = Run(row, kill).ends_well();
            kills += is_step ? 1 : 0;
        }
    }
    MESSAGE(kills << " kills");
    CHECK(kills >= (is_full_campaign() ? 50 : 8));
}

TEST_SUITE_END();

}  // namespace mistamover::test
