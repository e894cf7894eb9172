// The verbs about the hypervisor's trace: what it notes, and what it has noted.
#include "verbs.hpp"

namespace dom0 {
namespace {

constexpr size_t most_records = 512;

}  // namespace

/// `mask` is what is noted now, in bits of TraceBit; `written` counts each ring's records, from the
/// first one ever.
Result<> Verbs::trace_info(const Request& request) {
    TRY(steward_.rings().open());
    auto info = TRY(trace_op(XEN_SYSCTL_TBUFOP_get_info));
    auto& answer = request.answer.open_map().text("cpus").number(steward_.rings().cpus());
    answer.text("capacity").number(steward_.rings().capacity());
    answer.text("record_bytes").number(sizeof(TraceRecord)).text("mask").number(info.evt_mask);
    answer.text("written").open_array();
    for (u32 cpu = 0; cpu < steward_.rings().cpus(); cpu++)
        answer.number(steward_.rings().ring(cpu).written);
    answer.close().close();
    return {};
}

Result<> Verbs::trace_mask(const Request& request) {
    TRY(set_trace_mask(u32(request.number("bits"))));
    request.answer.null();
    return {};
}

Result<> Verbs::trace_read(const Request& request) {
    TRY(steward_.rings().open());
    const u64 cpu = request.number("cpu");
    if (cpu >= steward_.rings().cpus())
        return refuse(request, Errno::XEN_ENOENT, "the machine has no such pCPU");
    auto reading = read_ring(steward_.rings().ring(u32(cpu)), request.number("from"), most_records);
    const auto bytes = std::as_bytes(std::span{reading.records});
    request.answer.open_map().text("records");
    request.answer.bytes({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    request.answer.text("next").number(reading.next).text("lost").number(reading.lost).close();
    return {};
}

}  // namespace dom0
