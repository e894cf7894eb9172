// A `newc` archive: for each file a header of text, its name, its bytes; a trailer at the end.
#include <domains/archive.hpp>

namespace hv {
namespace {

// A header is six letters of magic and thirteen fields, each of eight hexadecimal digits
constexpr std::string_view magic = "070701";
constexpr std::string_view trailer = "TRAILER!!!";
constexpr size_t field_size = 8;
constexpr size_t header_size = 6 + 13 * field_size;
constexpr size_t file_size_at = 6 + 6 * field_size;
constexpr size_t name_size_at = 6 + 11 * field_size;

/// Reads the field at `at`. False: it is not all hexadecimal digits.
bool read_field(std::string_view header, size_t at, u64& value) {
    value = 0;
    for (char digit : header.substr(at, field_size)) {
        const char lower = static_cast<char>(digit | 0x20);
        if (digit >= '0' && digit <= '9')
            value = value << 4 | static_cast<u64>(digit - '0');
        else if (lower >= 'a' && lower <= 'f')
            value = value << 4 | static_cast<u64>(lower - 'a' + 10);
        else
            return false;
    }
    return true;
}

}  // namespace

Result<ArchiveFile> Archive::next(const char** why) {
    const std::string_view text{reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
    const auto damaged = [&](const char* sentence) {
        *why = sentence;
        return Error{XEN_EINVAL};
    };

    // The header
    if (!fits(at_, header_size, text.size()))
        return damaged("the archive ends before its trailer: it was cut short");
    const std::string_view header = text.substr(at_, header_size);
    u64 name_size = 0, file_size = 0;
    if (!header.starts_with(magic))
        return damaged("there is no cpio header of the newc form where one should be");
    if (!read_field(header, name_size_at, name_size) ||
        !read_field(header, file_size_at, file_size))
        return damaged("a size in a cpio header is not a hexadecimal number");

    // The name, which ends in a zero, and the bytes; each is padded to four
    const u64 name_at = at_ + header_size;
    if (name_size == 0 || !fits(name_at, name_size, text.size()) ||
        text[name_at + name_size - 1] != '\0')
        return damaged("a name in the archive does not end where its header says");
    const u64 file_at = align_up(name_at + name_size, 4);
    if (!fits(file_at, file_size, text.size()))
        return damaged("a file in the archive reaches beyond the archive's end");

    const std::string_view name = text.substr(name_at, name_size - 1);
    if (name == trailer) {
        *why = "there is no such file in the archive";
        return Error{XEN_ENOENT};
    }
    at_ = align_up(file_at + file_size, 4);
    return ArchiveFile{name, bytes_.subspan(file_at, file_size)};
}

Result<ArchiveFile> Archive::find(std::string_view name, const char** why) const {
    Archive walk{bytes_};
    Result<ArchiveFile> file = walk.next(why);
    while (file.ok() && file->name != name)
        file = walk.next(why);
    return file;
}

Result<> Archive::check(const char** why) const {
    Archive walk{bytes_};
    Result<ArchiveFile> file = walk.next(why);
    while (file.ok())
        file = walk.next(why);
    return file.error().code == XEN_ENOENT ? Result<>{} : file.error();
}

}  // namespace hv
