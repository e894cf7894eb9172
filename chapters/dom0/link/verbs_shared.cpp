// The verbs about what domains share: the pages they promise, and the doorbells between them.
#include "../toolstack/onlooking.hpp"
#include "verbs.hpp"

namespace dom0 {
namespace {

/// The domain that is asked about, which may be dying: it is named by its number.
Result<u16> number_of(const Request& request) {
    const u64 number = request.number("domain");
    if (number >= DOMID_FIRST_RESERVED)
        return refuse(request, Errno::XEN_EINVAL, "that is no domain's number");
    return u16(number);
}

bool is_there(u16 domain) {
    auto info = domain_info(domain);
    return info.ok() && info->domain == domain;
}

std::string_view bytes_of(const MappedPage& page, u64 from, u64 count) {
    return {page.as<const char>() + from, count};
}

void tell_port(CborWriter& answer, u32 port, const evtchn_status& status, Marks& marks) {
    answer.open_map().text("port").number(port).text("status").number(status.status);
    answer.text("vcpu").number(status.vcpu);
    answer.text("pending").boolean(marks.pending(port));
    answer.text("masked").boolean(marks.masked(port));
    switch (status.status) {
    case EVTCHNSTAT_unbound: answer.text("remote").number(status.u.unbound.dom); break;
    case EVTCHNSTAT_interdomain:
        answer.text("remote").number(status.u.interdomain.dom);
        answer.text("remote_port").number(status.u.interdomain.port);
        break;
    case EVTCHNSTAT_pirq: answer.text("number").number(status.u.pirq); break;
    case EVTCHNSTAT_virq: answer.text("number").number(status.u.virq); break;
    default: break;
    }
    answer.close();
}

}  // namespace

/// One frame of a domain's grant table as it stands: its entries, and in version 2 their status
/// words. dom0 promises nobody anything, and has none to show.
Result<> Verbs::grants(const Request& request) {
    const u16 domain = TRY(number_of(request));
    const u32 frame = u32(request.number("frame"));
    auto shape = grant_table_shape(domain);
    if (!shape) return refuse(request, shape.error().code, "there is no such domain");
    const u32 frames = domain == 0 ? 0 : shape->frames;
    if (frame > frames) return refuse(request, Errno::XEN_EINVAL, "its table is not so long");
    MappedPage entries, status;
    if (frame < frames) entries = TRY(grant_frame(domain, false, frame));
    constexpr u32 frames_in_status = 8, status_bytes = page_size / frames_in_status;
    if (entries && shape->version == 2)
        status = TRY(grant_frame(domain, true, frame / frames_in_status));
    auto& answer = request.answer.open_map().text("version").number(shape->version);
    answer.text("frames").number(frames).text("entries");
    answer.bytes(entries ? bytes_of(entries, 0, page_size) : std::string_view{}).text("status");
    answer.bytes(status ? bytes_of(status, frame % frames_in_status * status_bytes, status_bytes)
                        : std::string_view{});
    answer.close();
    return {};
}

/// Its ports that are in use, from one on, a piece at a time: `next` is where to go on, or 0.
Result<> Verbs::ports(const Request& request) {
    constexpr u32 most_looked_at = 256;
    const u16 domain = TRY(number_of(request));
    const u32 from = u32(request.number("from"));
    if (!is_there(domain))
        return refuse(request, Errno::XEN_ESRCH, "there is no such domain");
    Marks marks{domain};
    u32 next = 0;
    auto& answer = request.answer.open_map().text("abi").text(marks.abi());
    answer.text("ports").open_array();
    for (u32 port = from == 0 ? 1 : from;; port++) {
        auto status = port_status(domain, port);
        if (!status) break;
        if (port - from == most_looked_at) {
            next = port;
            break;
        }
        if (status->status != EVTCHNSTAT_closed) tell_port(answer, port, *status, marks);
    }
    answer.close().text("next").number(next).close();
    return {};
}

}  // namespace dom0
