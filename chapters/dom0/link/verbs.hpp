// The link's verbs: what a client may ask, each in one small function over the toolstack.
#pragma once

#include "../toolstack/steward.hpp"
#include "session.hpp"

namespace dom0 {

class Verbs final : public Performer {
public:
    explicit Verbs(Steward& steward);

    Result<> perform(std::string_view verb, const Request& request) override;
    void introduce(CborWriter& hello) override;

    /// Keeps a line of news for whoever asks.
    void hear_news(std::string_view news);

    /// What has been asked for that ends dom0 itself: it is done when the reply has left.
    std::optional<Shutdown> ending() const { return ending_; }

private:
    struct Verb {
        std::string_view name;
        Result<> (Verbs::*run)(const Request& request);
    };
    static constexpr size_t verb_count = 35;
    static const Verb verbs[verb_count];

    // Domains
    Result<> list(const Request& request);
    Result<> create(const Request& request);
    Result<> pause(const Request& request);
    Result<> unpause(const Request& request);
    Result<> shutdown(const Request& request);
    Result<> reboot(const Request& request);
    Result<> destroy(const Request& request);
    Result<> console_read(const Request& request);
    Result<> console_write(const Request& request);
    // The machine
    Result<> dmesg(const Request& request);
    Result<> news(const Request& request);
    Result<> info(const Request& request);
    Result<> cpus(const Request& request);
    Result<> poweroff(const Request& request);
    Result<> reset(const Request& request);
    // Files and the store
    Result<> files(const Request& request);
    Result<> file_begin(const Request& request);
    Result<> file_write(const Request& request);
    Result<> file_end(const Request& request);
    Result<> file_remove(const Request& request);
    Result<> store_read(const Request& request);
    Result<> store_list(const Request& request);
    Result<> store_write(const Request& request);
    Result<> store_remove(const Request& request);
    Result<> store_talk(const Request& request);
    Result<> store_leave(const Request& request);
    // Inside a domain
    Result<> memory_read(const Request& request);
    Result<> memory_write(const Request& request);
    Result<> vcpus(const Request& request);
    Result<> registers(const Request& request);
    // What domains share
    Result<> grants(const Request& request);
    Result<> ports(const Request& request);
    // The trace
    Result<> trace_info(const Request& request);
    Result<> trace_mask(const Request& request);
    Result<> trace_read(const Request& request);

    Steward& steward_;
    u64 boot_; // another number after each start of dom0
    std::string news_;
    u64 news_written_ = 0;
    std::optional<Shutdown> ending_;
};

/// A refusal with its line.
inline Error refuse(const Request& request, Errno code, std::string_view says) {
    request.says = says;
    return Error{code};
}

}  // namespace dom0
