// Several hypercalls in one: each entry is a call of its own, and its result goes into the list.
#include <domains/calls.hpp>

namespace hv {
namespace {

/// One entry in the caller's layout: op, result, six arguments; longs all.
constexpr u64 entry_longs = 8;

/// Runs one entry; Call::again when it is not finished, its arguments updated in the list.
s64 run_entry(Call& call, u64 list, u64 index) {
    std::array<u64, entry_longs> entry{};
    if (const auto read = call.read_longs(entry, list, index * entry_longs); !read.ok())
        return failure(read.error());

    std::array<u64, 6> arguments{};
    for (size_t i = 0; i < arguments.size(); ++i)
        arguments[i] = entry[2 + i];
    Call inner{call, arguments};
    const Household& house = household(call.domain.machine);
    s64 result = refuse(XEN_ENOSYS);
    if (entry[0] < hypercall_rows && house.hypercalls[entry[0]].handler != nullptr)
        result = house.hypercalls[entry[0]].handler(inner);

    if (result != Call::again)
        return answer(call.write_long(list, index * entry_longs + 1, static_cast<u64>(result)));
    for (unsigned i = 0; i < arguments.size(); ++i)
        if (const auto kept = call.write_long(list, index * entry_longs + 2 + i, inner.argument(i));
            !kept.ok())
            return failure(kept.error());
    return Call::again;
}

}  // namespace

s64 multicall(Call& call) {
    if (call.nested)
        return refuse(XEN_EINVAL);
    const u64 list = call.argument(0);
    const u32 count = static_cast<u32>(call.argument(1));
    for (u32 done = 0; done < count; ++done) {
        s64 result = done > 0 && call.should_stop() ? Call::again : run_entry(call, list, done);
        if (result == 0)
            continue;
        if (result == Call::again) {
            call.set_argument(0, list + done * entry_longs * (call.wide ? 8 : 4));
            call.set_argument(1, count - done);
        }
        return result;
    }
    return 0;
}

}  // namespace hv
