// What a guest finds in the page that it asked for by writing MSR 0x40000000.
#include <algorithm>
#include <array>
#include <domains/hypercall_page.hpp>
#include <domains/memory.hpp>

namespace hv {

void fill_hypercall_page(u8* page, std::string_view engine) {
    constexpr size_t entry_size = 32;
    std::fill(page, page + page_size, u8{0xcc});  // int3: no entry begins here
    for (size_t number = 0; number < page_size / entry_size; ++number) {
        u8* entry = page + number * entry_size;
        // IRET is a PV guest's affair; here it is an undefined instruction, as on Xen
        constexpr std::array<u8, 2> undefined{0x0f, 0x0b};
        if (number == __HYPERVISOR_iret) {
            std::copy(undefined.begin(), undefined.end(), entry);
            continue;
        }
        const u8 last = engine == "VMX" ? 0xc1 : 0xd9;  // vmcall, vmmcall
        const std::array<u8, 9> code{0xb8, static_cast<u8>(number), 0, 0, 0, 0x0f, 0x01, last,
                                     0xc3};
        std::copy(code.begin(), code.end(), entry);
    }
}

Result<> show_hypercall_page(Domain& domain, Gfn gfn) {
    const Result<GuestFrame> page = domain.p2m.hold(gfn);
    if (!page.ok())
        return Error{XEN_EINVAL};
    Machine& machine = domain.machine;
    if (page->access.write)
        fill_hypercall_page(machine.memory.at(page->frame), machine.engine->name);
    end_use(machine, page->frame);
    return page->access.write ? Result<>{} : Result<>{Error{XEN_EINVAL}};
}

}  // namespace hv
