// A kernel's ELF image: headers, segments and notes, read with nothing taken on trust.
#include <domains/elf.hpp>
#include <elf.h>
#include <string_view>
#include <xen/elfnote.h>

namespace hv {
namespace {

struct Elf32 {
    using Header = Elf32_Ehdr;
    using Segment = Elf32_Phdr;
    using Section = Elf32_Shdr;
};
struct Elf64 {
    using Header = Elf64_Ehdr;
    using Segment = Elf64_Phdr;
    using Section = Elf64_Shdr;
};
static_assert(sizeof(Elf32_Nhdr) == sizeof(Elf64_Nhdr));

using Bytes = std::span<const u8>;

/// One reading of one file; `Elf` is the class of its structures.
template <class Elf>
class Reader {
public:
    explicit Reader(Bytes file) : file_{file} {}

    /// Empty on success, else why not.
    const char* read(ElfImage& image) {
        if (const char* why = read_header())
            return why;
        if (const char* why = read_segments(image))
            return why;
        if (!has_entry_)
            search_sections();

        // The entry must be something that we load
        if (!has_entry_)
            return "the kernel has no PVH entry (no Xen note PHYS32_ENTRY): build it with "
                   "CONFIG_PVH";
        for (const ElfSegment& segment : image.segments())
            if (entry_ - segment.address < segment.file_bytes) {
                image.entry = static_cast<u32>(entry_);
                return nullptr;
            }
        return "the PVH entry lies outside of every segment of the kernel";
    }

private:
    /// Copies a T out of the file, which need not be aligned. False: it is not all within the file.
    template <class T>
    bool copy(u64 offset, T& to) const {
        if (!fits(offset, sizeof to, file_.size()))
            return false;
        __builtin_memcpy(&to, file_.data() + offset, sizeof to);
        return true;
    }

    const char* read_header() {
        if (!copy(0, header_))
            return "the file is too short for an ELF header";
        if (header_.e_ident[EI_DATA] != ELFDATA2LSB)
            return "the ELF image is big-endian: x86 is little-endian";
        const bool narrow = header_.e_ident[EI_CLASS] == ELFCLASS32;
        const bool is_x86 = header_.e_machine == EM_X86_64 ||
                            (header_.e_machine == EM_386 && narrow);
        if (!is_x86)
            return "the ELF image is for another machine than x86";
        if (header_.e_type != ET_EXEC && header_.e_type != ET_DYN)
            return "the ELF image is not a linked program (ET_EXEC or ET_DYN)";
        if (header_.e_phentsize < sizeof(typename Elf::Segment))
            return "the ELF program headers are too small";
        return nullptr;
    }

    const char* read_segments(ElfImage& image) {
        for (u32 i = 0; i < header_.e_phnum; ++i) {
            typename Elf::Segment segment;
            const u64 offset = u64{i} * header_.e_phentsize;
            if (header_.e_phoff > file_.size() || !copy(header_.e_phoff + offset, segment))
                return "an ELF program header lies beyond the end of the file";
            if (segment.p_type == PT_NOTE)
                search_notes(segment.p_offset, segment.p_filesz);
            if (segment.p_type != PT_LOAD || segment.p_memsz == 0)
                continue;
            if (const char* why = add(image, segment))
                return why;
        }
        return image.segment_count > 0 ? nullptr : "the ELF image has nothing to load (no PT_LOAD)";
    }

    const char* add(ElfImage& image, const typename Elf::Segment& segment) {
        if (segment.p_filesz > segment.p_memsz)
            return "an ELF segment holds more bytes than it has memory for";
        if (!fits(segment.p_offset, segment.p_filesz, file_.size()))
            return "an ELF segment reaches beyond the end of the file: it was cut short";
        if (!fits(segment.p_paddr, segment.p_memsz, 4 * GiB))
            return "an ELF segment belongs above 4 GiB: a PVH kernel starts below";
        if (image.segment_count == ElfImage::max_segments)
            return "the ELF image has more than 32 segments to load";

        const u64 end = segment.p_paddr + segment.p_memsz;
        if (image.segment_count == 0 || segment.p_paddr < image.lowest)
            image.lowest = segment.p_paddr;
        if (end > image.highest)
            image.highest = end;
        image.segment_list[image.segment_count++] = {segment.p_paddr, segment.p_offset,
                                                     segment.p_filesz, segment.p_memsz};
        return nullptr;
    }

    /// Looks through the sections of notes: some kernels have their note only there. Sections are
    /// not needed to load an image, so that damage in them is no reason to refuse it.
    void search_sections() {
        if (header_.e_shentsize < sizeof(typename Elf::Section) || header_.e_shoff > file_.size())
            return;
        for (u32 i = 0; i < header_.e_shnum && !has_entry_; ++i) {
            typename Elf::Section section;
            if (!copy(header_.e_shoff + u64{i} * header_.e_shentsize, section))
                return;
            if (section.sh_type == SHT_NOTE)
                search_notes(section.sh_offset, section.sh_size);
        }
    }

    /// Looks for the PVH entry in `size` bytes of notes, and keeps the first.
    void search_notes(u64 offset, u64 size) {
        if (!fits(offset, size, file_.size()))
            return;
        const u64 end = offset + size;
        Elf64_Nhdr note;
        while (!has_entry_ && fits(offset, sizeof note, end) && copy(offset, note)) {
            // A header, a name, a value; each is padded to four bytes
            const u64 name = offset + sizeof note;
            const u64 value = name + align_up(note.n_namesz, 4);
            if (!fits(value, note.n_descsz, end))
                return;
            const std::string_view owner{reinterpret_cast<const char*>(file_.data() + name),
                                         note.n_namesz};
            if (note.n_type == XEN_ELFNOTE_PHYS32_ENTRY && owner == std::string_view{"Xen\0", 4} &&
                (note.n_descsz == 4 || note.n_descsz == 8)) {
                __builtin_memcpy(&entry_, file_.data() + value, note.n_descsz);
                has_entry_ = true;
            }
            offset = value + align_up(note.n_descsz, 4);
        }
    }

    Bytes file_;
    typename Elf::Header header_{};
    bool has_entry_ = false;
    u64 entry_ = 0;
};

}  // namespace

Result<ElfImage> parse_elf(std::span<const u8> file, const char** why) {
    ElfImage image;
    if (file.size() < EI_NIDENT || __builtin_memcmp(file.data(), ELFMAG, SELFMAG) != 0) {
        *why = "the file is not an ELF image (a bzImage holds one: unpack it first)";
    } else if (file[EI_CLASS] == ELFCLASS32) {
        *why = Reader<Elf32>{file}.read(image);
    } else if (file[EI_CLASS] == ELFCLASS64) {
        image.is_64 = true;
        *why = Reader<Elf64>{file}.read(image);
    } else {
        *why = "the ELF image is neither 32-bit nor 64-bit";
    }
    if (*why != nullptr)
        return Error{XEN_EINVAL};
    return image;
}

}  // namespace hv
