// The store, as a guest reaches it: two rings of bytes to dom0, one question at a time, and news.
#pragma once

#include "events.hpp"
#include "xen.hpp"

#include <optional>
#include <string>
#include <vector>
#include <xen/io/xs_wire.h>

namespace kit {

/// A client of the store (xen/io/xs_wire.h). A call waits for its answer, and may fail with the
/// error that the store names; XEN_EIO says that the ring, or what came over it, broke the rules:
/// this client is of no more use then. Paths are absolute, or relative to /local/domain/OURS.
class StoreClient {
public:
    StoreClient(xenstore_domain_interface& ring, Bell& bell) : ring_{ring}, bell_{bell} {}

    /// The number of a transaction; 0: none.
    using Transaction = u32;

    Result<std::string> read(std::string_view path, Transaction in = 0);
    Result<std::vector<std::string>> directory(std::string_view path, Transaction in = 0);
    Result<> write(std::string_view path, std::string_view value, Transaction in = 0);
    /// Removes an entry and what lies below it.
    Result<> remove(std::string_view path, Transaction in = 0);

    /// Begins a transaction. What is asked in it is seen by others when it ends, or never.
    Result<Transaction> begin();
    /// XEN_EAGAIN: others came in between; nothing was done, and one may try again.
    Result<> commit(Transaction transaction);
    Result<> give_up(Transaction transaction);

    /// Asks for news of `path` and what lies below it, under the name `token`. The first comes at
    /// once: whoever waits looks first.
    Result<> watch(std::string_view path, std::string_view token);
    Result<> unwatch(std::string_view path, std::string_view token);

    /// The token of a watch where something has changed since it was last told; never waits. News
    /// say no more than that: several changes are one, so that nobody can fill our memory.
    std::optional<std::string> news();
    /// Waits for news, and leaves them for news(). XEN_EIO.
    Result<> wait_for_news();

private:
    struct Message {
        xsd_sockmsg header;
        std::string payload;
    };
    Result<std::string> ask(u32 type, Transaction in, std::string_view payload);
    Result<> simply(u32 type, Transaction in, std::string_view payload);
    Result<> send(std::string_view bytes);
    Result<Message> receive();
    Result<std::optional<Message>> take_message();
    void note_news(std::string_view payload);
    Error broken();

    xenstore_domain_interface& ring_;
    Bell& bell_;
    bool is_broken_ = false;
    u32 last_request_ = 0;
    std::string heard_;             // bytes of a message that is not whole yet
    std::vector<std::string> news_; // tokens, each once
};

/// This guest's own client, with the doorbell of its ring.
struct GuestStore {
    GuestStore(xenstore_domain_interface& ring, u32 port) : bell{port}, client{ring, bell} {}
    PortBell bell;
    StoreClient client;
};

/// Opens the store on the ring that the toolstack furnished; once, and after clock_init().
/// XEN_ENOENT: there is none.
Result<GuestStore*> open_store();

}  // namespace kit
