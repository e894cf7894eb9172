// Xen's ring of requests and responses (xen/io/ring.h), both ends: one page that two domains share,
// and that neither believes.
#pragma once

#include "types.hpp"

#include <bit>
#include <optional>
#include <string.h>

namespace kit {

/// The shared page. Indices only rise, and wrap; the slot of an index is its lowest bits. A
/// response lies where its request, or another, lay before.
template <typename Request, typename Response>
struct RingPage {
    union Slot {
        Request request;
        Response response;
    };
    static constexpr size_t header = 64;
    static constexpr u32 size = u32(std::bit_floor((page_size - header) / sizeof(Slot)));

    u32 req_prod, req_event; // requests there are; at which of them the back wants a bell
    u32 rsp_prod, rsp_event; // the same of responses, and of the front
    u8 reserved[header - 4 * sizeof(u32)];
    Slot slots[size];

    /// As the side that makes the ring leaves it: empty, and the first of each kind is rung for.
    void clear() {
        memset(this, 0, sizeof *this);
        req_event = rsp_event = 1;
    }
    Slot& slot(u32 index) { return slots[index % size]; }
};

namespace ring {

inline u32 load(const u32& index) { return __atomic_load_n(&index, __ATOMIC_ACQUIRE); }
inline void store(u32& index, u32 value) { __atomic_store_n(&index, value, __ATOMIC_RELEASE); }
inline void all_before_all_after() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

/// Publishes what lies before `next`. Returns whether the other side wants a bell for any of it.
inline bool publish(u32& produced, const u32& wanted, u32 next) {
    const u32 before = produced;
    store(produced, next);
    all_before_all_after(); // it says where it wants a bell, then looks: we tell, then look
    return next - load(wanted) < next - before;
}

/// Copies out of the shared page, once: what is looked at is not changed any more.
template <typename Item>
Item copy_of(const Item& shared) {
    Item copy;
    memcpy(&copy, &shared, sizeof copy);
    asm volatile("" : : : "memory");
    return copy;
}

}  // namespace ring

/// The end that asks.
template <typename Request, typename Response>
class FrontRing {
public:
    using Page = RingPage<Request, Response>;
    explicit FrontRing(Page& page) : page_{page} {}

    /// Lays a request down, not yet seen by the other side. False: as many are unanswered as fit.
    bool put(const Request& request) {
        if (asked_ - answered_ == Page::size) return false;
        memcpy(&page_.slot(asked_++).request, &request, sizeof request);
        return true;
    }
    /// Shows what was laid down. True: ring the bell.
    bool push() { return ring::publish(page_.req_prod, page_.req_event, asked_); }

    /// The next response, or nothing. XEN_EINVAL: more answers than questions; the ring is no good
    /// any more.
    Result<std::optional<Response>> take() {
        const u32 ready = ring::load(page_.rsp_prod) - answered_;
        if (ready > asked_ - answered_) return Error{Errno::XEN_EINVAL};
        if (ready == 0) return std::optional<Response>{};
        return std::optional{ring::copy_of(page_.slot(answered_++).response)};
    }
    /// Before waiting: asks to be rung for the next response. True: one has come already.
    bool wants_no_sleep() {
        ring::store(page_.rsp_event, answered_ + 1);
        ring::all_before_all_after();
        return ring::load(page_.rsp_prod) != answered_;
    }
    /// Requests without an answer.
    u32 unanswered() const { return asked_ - answered_; }

private:
    Page& page_;
    u32 asked_ = 0, answered_ = 0;
};

/// The end that answers.
template <typename Request, typename Response>
class BackRing {
public:
    using Page = RingPage<Request, Response>;
    /// Begins at a fresh page's first request; a new back goes on where an earlier one answered.
    explicit BackRing(Page& page) : page_{page}, heard_{ring::load(page.rsp_prod)}, told_{heard_} {}

    /// The next request, or nothing. XEN_EINVAL: more of them than the ring holds; it is no good
    /// any more.
    Result<std::optional<Request>> take() {
        const u32 made = ring::load(page_.req_prod);
        if (made - told_ > Page::size || made - told_ < heard_ - told_)
            return Error{Errno::XEN_EINVAL};
        if (made == heard_) return std::optional<Request>{};
        return std::optional{ring::copy_of(page_.slot(heard_++).request)};
    }
    /// Lays down the answer to a request that was taken. False: all of those have one.
    bool put(const Response& response) {
        if (told_ == heard_) return false;
        memcpy(&page_.slot(told_++).response, &response, sizeof response);
        return true;
    }
    /// Shows what was laid down. True: ring the bell.
    bool push() { return ring::publish(page_.rsp_prod, page_.rsp_event, told_); }

    /// Before waiting: asks to be rung for the next request. True: one has come already.
    bool wants_no_sleep() {
        ring::store(page_.req_event, heard_ + 1);
        ring::all_before_all_after();
        return ring::load(page_.req_prod) != heard_;
    }

private:
    Page& page_;
    u32 heard_, told_;
};

}  // namespace kit
