// Files: the module's where they lie, uploads on the heap.
#include "files.hpp"

#include <new>
#include <string.h>

namespace dom0 {

Result<File> Files::find(std::string_view name) const {
    for (auto& upload : uploads_)
        if (upload.name == name) return File{upload.name, upload.bytes->view(), upload.bytes};
    const char* why = nullptr;
    auto file = module_.find(name, &why);
    if (!file) return Error{Errno::XEN_ENOENT};
    return File{file->name, file->bytes, nullptr};
}

std::vector<File> Files::list(std::string& why) const {
    std::vector<File> files;
    for (auto& upload : uploads_)
        files.push_back({upload.name, upload.bytes->view(), upload.bytes});
    auto hidden = [&](std::string_view name) {
        for (auto& upload : uploads_)
            if (upload.name == name) return true;
        return false;
    };
    Archive module = module_;
    const char* ended = nullptr;
    auto file = module.next(&ended);
    for (; file.ok(); file = module.next(&ended))
        if (!hidden(file->name)) files.push_back({file->name, file->bytes, nullptr});
    if (file.error().code != Errno::XEN_ENOENT) why = ended;
    return files;
}

Result<> Files::begin(std::string_view name, u64 bytes, u64 room) {
    coming_ = {};
    constexpr size_t longest_name = 255;
    if (name.empty() || name.size() > longest_name) return Error{Errno::XEN_EINVAL};
    if (bytes > room) return Error{Errno::XEN_ENOSPC};
    auto* memory = new (std::nothrow) u8[bytes];
    if (memory == nullptr) return Error{Errno::XEN_ENOSPC};
    memset(memory, 0, bytes);
    coming_.name = name;
    coming_.bytes = {std::unique_ptr<u8[]>{memory}, bytes};
    return {};
}

Result<> Files::write(u64 offset, std::string_view data) {
    if (coming_.name.empty() || !fits(offset, data.size(), coming_.bytes.size))
        return Error{Errno::XEN_EINVAL};
    memcpy(coming_.bytes.data.get() + offset, data.data(), data.size());
    return {};
}

Result<> Files::end() {
    if (coming_.name.empty()) return Error{Errno::XEN_EINVAL};
    Coming done = std::exchange(coming_, {});
    std::erase_if(uploads_, [&](auto& upload) { return upload.name == done.name; });
    uploads_.push_back({done.name, std::shared_ptr<const Bytes>{new Bytes{std::move(done.bytes)}}});
    return {};
}

Result<> Files::remove(std::string_view name) {
    auto gone = std::erase_if(uploads_, [&](auto& upload) { return upload.name == name; });
    if (gone == 0) return Error{Errno::XEN_ENOENT};
    return {};
}

}  // namespace dom0
