// Answers what it is asked, and believes nothing of it.
#include <events/ring/back.hpp>

namespace back {

Taken take(Page& page, Own& own, Request& request) {
    const u32 asked = page.req_prod.look();
    if (asked - own.told > Page::size || asked - own.told < own.heard - own.told)
        return Taken::liar;
    if (asked == own.heard) return Taken::none;
    request = page.slot(own.heard++).copy();
    return Taken::request;
}

bool put(Page& page, Own& own, const Response& response) {
    if (own.told == own.heard) return false;
    page.slot(own.told++).write(response);
    return true;
}

bool push(Page& page, Own& own) {
    const u32 before = own.shown;
    own.shown = own.told;
    page.rsp_prod.show(own.told);
    return own.told - page.rsp_event.look() < own.told - before;
}

bool wants_no_sleep(Page& page, Own& own) {
    page.req_event.show(own.heard + 1);
    return page.req_prod.look() != own.heard;
}

bool serve(Page& page, Own& own) {
    Request request;
    for (;;) {
        const Taken taken = take(page, own, request);
        if (taken != Taken::request) return taken == Taken::none;
        const auto [id, first, count] = request;
        const bool fits = first <= table_size && count <= table_size - first;
        if (fits) deliver(first, count);
        put(page, own, {id, fits ? 0 : invalid});
    }
}

}  // namespace back
