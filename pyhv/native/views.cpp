// How the views are taken, all by the hypervisor's own reading of its tables.
#include "views.hpp"
#include <algorithm>
#include <domains/p2m.hpp>
#include <domains/shared_info.hpp>

namespace hv::hosted {
namespace {

std::string state_of(const Vcpu& vcpu) {
    if (vcpu.down)
        return "down";
    if (vcpu.running)
        return "running";
    if (vcpu.pauses != 0 || vcpu.domain.pauses != 0)
        return "paused";
    return vcpu.blocked != Blocked::no ? "blocked" : "runnable";
}

constexpr const char* lives[] = {"building", "alive", "shut down", "dying", "dead"};

}  // namespace

std::vector<DomainId> list_domains(HostedMachine& hosted) {
    return hosted.as(0, [&](Cpu&) {
        std::vector<DomainId> found;
        for (u32 from = 0;; from = found.back() + 1u) {
            const DomainRef next = next_domain(hosted.machine(), static_cast<DomainId>(from));
            if (!next)
                return found;
            found.push_back(next->id);
        }
    });
}

DomainView look_at(HostedMachine& hosted, DomainId id) {
    return hosted.about(id, [&](Domain& domain) {
        DomainView view{};
        view.id = domain.id;
        view.life = lives[static_cast<size_t>(domain.life.load())];
        view.reason = domain.shutdown_reason == Domain::no_reason ? -1 : domain.shutdown_reason;
        view.paused = domain.paused_by_toolstack;
        view.frames = domain.frames_owned;
        view.frames_limit = domain.frames_limit;
        view.table_frames = domain.p2m.table_frames();
        view.hypercalls = domain.hypercalls;
        view.exits = domain.exits;
        for (const Vcpu* vcpu : domain.made_vcpus())
            view.vcpus.push_back({vcpu->id, state_of(*vcpu), vcpu->cpu.load(),
                                  runstate_now(*vcpu).time[RUNSTATE_running]});
        return view;
    });
}

std::vector<StepView> walk_tables(const x86::EntryFormat& format, Mpa root, u64 address,
                                  const ReadWord& read) {
    std::vector<StepView> steps;
    Mfn table = frame_of(root);
    for (unsigned level = x86::top_level;; --level) {
        const u8 order = x86::order_of_level(level);
        const u64 index =
            frame_of(Gpa{address}).value >> order & ((1u << x86::bits_per_level) - 1);
        const Mpa at = address_of(table) + index * sizeof(u64);
        const u64 value = read(at);
        const bool present = format.present(value), leaf = format.is_leaf(value, level);
        const x86::Access access = format.read(value, level).access;
        table = format.frame(value);
        steps.push_back({level, index, at.value, value,
                         !present ? "nothing" : leaf ? "page" : "table",
                         present ? table.value : 0, page_size << order, {}});
        if (present && !leaf)
            continue;
        if (present)
            steps.back().access = {access.read ? 'r' : '-', access.write ? 'w' : '-',
                                   access.execute ? 'x' : '-'};
        return steps;
    }
}

std::vector<StepView> walk(HostedMachine& hosted, DomainId id, u64 gpa) {
    return hosted.about(id, [&](Domain& domain) {
        const Machine& machine = domain.machine;
        return walk_tables(*machine.engine->nested_format, domain.p2m.root(), gpa,
                           [&](Mpa at) { return *machine.memory.as<u64>(at); });
    });
}

namespace {

/// Calls visit(where we see it, bytes) for each piece of [gpa, gpa + bytes) that one page holds.
template <class Visit>
void for_each_piece(HostedMachine& hosted, DomainId id, u64 gpa, u64 bytes, Visit&& visit) {
    hosted.about(id, [&](Domain& domain) {
        for (u64 done = 0; done < bytes;) {
            const u64 address = gpa + done, offset = address & page_mask;
            const auto page = domain.p2m.look_up(frame_of(Gpa{address}));
            if (address < gpa || !page.ok() || !domain.machine.frames.is_ram(page->frame)) {
                TextBuffer<64> text;
                print(text, "d{} has no memory at {:x}", id, address);
                throw NoMemory{std::string{text.view()}};
            }
            const u64 piece = std::min(bytes - done, page_size - offset);
            visit(domain.machine.memory.at(page->frame) + offset, piece);
            done += piece;
        }
    });
}

}  // namespace

std::string read_memory(HostedMachine& hosted, DomainId id, u64 gpa, u64 bytes) {
    std::string text;
    for_each_piece(hosted, id, gpa, bytes, [&](const u8* from, u64 piece) {
        text.append(reinterpret_cast<const char*>(from), piece);
    });
    return text;
}

void write_memory(HostedMachine& hosted, DomainId id, u64 gpa, std::string_view bytes) {
    // All of it, or nothing
    for_each_piece(hosted, id, gpa, bytes.size(), [](u8*, u64) {});
    for_each_piece(hosted, id, gpa, bytes.size(), [&](u8* into, u64 piece) {
        __builtin_memcpy(into, bytes.data(), piece);
        bytes.remove_prefix(piece);
    });
}

std::string console_text(HostedMachine& hosted) {
    std::string text(Console::ring_size, '\0');
    text.resize(hosted.machine().console.copy_ring(0, text.data(), text.size()));
    return text;
}

}  // namespace hv::hosted
