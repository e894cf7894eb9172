// Reads the start info, with nothing in it taken on trust.
#include <boot/start-info/start_info.hpp>

namespace survey {

bool find_start_info(Memory memory, u64 address, hvm_start_info& info) {
    auto found = copy_at<hvm_start_info>(memory, address);
    if (!found || found->magic != XEN_HVM_START_MAGIC_VALUE || found->version < 1) return false;
    info = *found;
    return true;
}

u64 measure_ram(Memory memory, const hvm_start_info& info) {
    u64 bytes = 0;
    for (u64 i = 0; i < info.memmap_entries; i++) {
        auto line = copy_at<hvm_memmap_table_entry>(
            memory, info.memmap_paddr + i * sizeof(hvm_memmap_table_entry));
        if (!line) break;
        if (line->type == XEN_HVM_MEMMAP_TYPE_RAM) bytes += line->size;
    }
    return bytes;
}

std::string_view command_line(Memory memory, const hvm_start_info& info) {
    u64 start = info.cmdline_paddr;
    if (start == 0 || start >= memory.size()) return {};
    u64 end = start;
    while (end < memory.size() && memory[end] != '\0') end++;
    return {reinterpret_cast<const char*>(memory.data()) + start, end - start};
}

u32 digest_module(Memory memory, const hvm_start_info& info) {
    auto module = copy_at<hvm_modlist_entry>(memory, info.modlist_paddr);
    if (info.nr_modules == 0 || !module || !fits(module->paddr, module->size, memory.size()))
        return 0;
    u32 sum = 0;
    for (u8 byte : memory.subspan(module->paddr, module->size)) sum += byte;
    return sum;
}

}  // namespace survey
