// The end of a ring that answers: the page that it shares with an end that asks, and may lie.
#pragma once

#include <base/types.hpp>
#include <stdint.h>

namespace back {

using namespace hv;

/// What is asked for: `count` numbers of a table of 64, from `first` on.
struct Request {
    u32 id, first, count;
};
/// What is answered: 0, or a negative status.
struct Response {
    u32 id;
    int32_t status;
};

/// An index in the shared page. Each of these is one step: the other end comes before or after it,
/// and may change the index whenever it likes. No step of yours overtakes another.
class Index {
public:
    u32 look() const;
    void show(u32 value);

private:
    u32 value_ = 0;
};

/// A slot of the shared page, likewise. What is copied twice may be two different things.
class Slot {
public:
    Request copy() const;
    void write(const Response& response);

private:
    union {
        Request request_ = {};
        Response response_;
    };
};

/// The shared page, as xen/io/ring.h lays it out. Indices only rise, and come round after 2^32.
struct Page {
    static constexpr u32 size = 8;

    Index req_prod, req_event; ///< requests there are; at which of them the back wants a bell
    Index rsp_prod, rsp_event; ///< the same of responses, and of the front
    Slot slots[size];

    /// Where request or response number `index` lies.
    Slot& slot(u32 index) { return slots[index % size]; }
};

/// What the back knows by itself. Nobody else reaches it.
struct Own {
    u32 heard = 0;  ///< requests that it took
    u32 told = 0;   ///< responses that it wrote
    u32 shown = 0;  ///< how many of those the front was shown
};

enum class Taken { none, request, liar };

/// Reads the numbers. Given. Never called with any beyond `table_size`.
void deliver(u32 first, u32 count);
inline constexpr u32 table_size = 64;
inline constexpr int32_t invalid = -22;

/// Takes the next request into `request`. A liar says that there are more unanswered ones than the
/// ring holds, or fewer than were taken.
Taken take(Page& page, Own& own, Request& request);

/// Writes the answer to a request that was taken, not yet shown. False: all of those have one.
bool put(Page& page, Own& own, const Response& response);

/// Shows what was written. True: the front wants a bell for one of these.
bool push(Page& page, Own& own);

/// Before it sleeps, the back asks for a bell at the next request. True: there is one already.
bool wants_no_sleep(Page& page, Own& own);

/// Takes all requests that there are, delivers each whose numbers all lie in the table, and answers
/// it: 0, or `invalid`. False: the front is a liar.
bool serve(Page& page, Own& own);

}  // namespace back
