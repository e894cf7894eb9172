// A kernel's ELF image.
#include "elf.hpp"

#include <elf.h>
#include <string.h>
#include <xen/elfnote.h>

namespace dom0 {
namespace {

/// The PHYS32_ENTRY note in `notes`, if it is there.
bool find_entry(std::span<const u8> notes, u64& entry) {
    for (size_t at = 0; fits(at, sizeof(Elf64_Nhdr), notes.size());) {
        Elf64_Nhdr note;
        memcpy(&note, notes.data() + at, sizeof note);
        size_t name = at + sizeof note;
        size_t value = name + align_up(note.n_namesz, 4);
        if (!fits(value, note.n_descsz, notes.size())) return false;
        bool wanted = note.n_type == XEN_ELFNOTE_PHYS32_ENTRY && note.n_namesz == 4 &&
                      memcmp(notes.data() + name, "Xen", 4) == 0;
        if (wanted && (note.n_descsz == 4 || note.n_descsz == 8)) {
            entry = 0;
            memcpy(&entry, notes.data() + value, note.n_descsz);
            return true;
        }
        at = value + align_up(note.n_descsz, 4);
    }
    return false;
}

}  // namespace

Result<ElfImage> parse_elf(std::span<const u8> image) {
    Elf64_Ehdr header;
    if (image.size() < sizeof header) return Error{Errno::XEN_EINVAL};
    memcpy(&header, image.data(), sizeof header);
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64)
        return Error{Errno::XEN_EINVAL};
    ElfImage result;
    bool found = false;
    for (u32 i = 0; i < header.e_phnum; i++) {
        Elf64_Phdr part;
        u64 at = header.e_phoff + u64{i} * header.e_phentsize;
        if (!fits(at, sizeof part, image.size())) return Error{Errno::XEN_EINVAL};
        memcpy(&part, image.data() + at, sizeof part);
        if (!fits(part.p_offset, part.p_filesz, image.size())) return Error{Errno::XEN_EINVAL};
        auto bytes = image.subspan(part.p_offset, part.p_filesz);
        if (part.p_type == PT_NOTE) found = found || find_entry(bytes, result.entry.value);
        if (part.p_type != PT_LOAD || part.p_memsz == 0) continue;
        if (part.p_memsz < part.p_filesz || !fits(part.p_paddr, part.p_memsz, 4 * GiB))
            return Error{Errno::XEN_EINVAL};
        result.segments.push_back({Gpa{part.p_paddr}, bytes, part.p_memsz});
        if (part.p_paddr + part.p_memsz > result.end) result.end = part.p_paddr + part.p_memsz;
    }
    if (!found) return Error{Errno::XEN_ENOENT};
    return result;
}

}  // namespace dom0
