// The verbs about files and the store.
#include "frames.hpp"
#include "verbs.hpp"

#include <kit/heap.hpp>

namespace dom0 {
namespace {

/// What dom0 keeps for itself when it takes in files.
constexpr u64 own_memory = 16 * MiB;

}  // namespace

Result<> Verbs::files(const Request& request) {
    std::string why;
    request.answer.open_array();
    for (auto& file : steward_.files().list(why))
        request.answer.open_map().text("name").text(file.name).text("bytes")
            .number(file.bytes.size()).text("uploaded").boolean(file.upload != nullptr).close();
    request.answer.close();
    return {};
}

Result<> Verbs::file_begin(const Request& request) {
    const u64 free = heap().free_bytes();
    const u64 room = free > own_memory ? free - own_memory : 0;
    auto begun = steward_.files().begin(request.text("name"), request.number("bytes"), room);
    if (!begun)
        return refuse(request, begun.error().code,
                      begun.error().code == Errno::XEN_EINVAL
                          ? "a file's name is 1 to 255 letters"
                          : "dom0 has no room for that file: give it more by dom0_mem=MiB");
    request.answer.null();
    return {};
}

Result<> Verbs::file_write(const Request& request) {
    auto written = steward_.files().write(request.number("offset"), request.text("data"));
    if (!written)
        return refuse(request, written.error().code, "no file is coming that is so long");
    request.answer.null();
    return {};
}

Result<> Verbs::file_end(const Request& request) {
    auto bytes = steward_.files().coming();
    if (crc32c({reinterpret_cast<const char*>(bytes.data()), bytes.size()}) !=
        request.number("crc32c"))
        return refuse(request, Errno::XEN_EILSEQ, "the file did not come whole");
    if (!steward_.files().end()) return refuse(request, Errno::XEN_EINVAL, "no file is coming");
    request.answer.null();
    return {};
}

Result<> Verbs::file_remove(const Request& request) {
    auto removed = steward_.files().remove(request.text("name"));
    if (!removed) return refuse(request, removed.error().code, "no uploaded file has that name");
    request.answer.null();
    return {};
}

Result<> Verbs::store_read(const Request& request) {
    auto value = steward_.household().store().read(std::string{request.text("path")});
    if (!value) return refuse(request, Errno::XEN_ENOENT, "no such entry in the store");
    request.answer.bytes(*value);
    return {};
}

Result<> Verbs::store_list(const Request& request) {
    auto names = steward_.household().store().list(std::string{request.text("path")});
    if (!names) return refuse(request, Errno::XEN_ENOENT, "no such entry in the store");
    request.answer.open_array();
    for (auto name : *names)
        request.answer.text(name);
    request.answer.close();
    return {};
}

Result<> Verbs::store_write(const Request& request) {
    auto& store = steward_.household().store();
    if (!store.write(std::string{request.text("path")}, request.text("value")))
        return refuse(request, Errno::XEN_EINVAL, "the store takes no such path or value");
    request.answer.null();
    return {};
}

Result<> Verbs::store_remove(const Request& request) {
    if (!steward_.household().store().remove(std::string{request.text("path")}))
        return refuse(request, Errno::XEN_ENOENT, "no such entry in the store");
    request.answer.null();
    return {};
}

/// The store's own protocol, carried over the link: what a visitor sends, and what it is owed.
Result<> Verbs::store_talk(const Request& request) {
    constexpr size_t most = Session::longest_reply / 2;
    auto& store = steward_.household().store();
    const u32 number = u32(request.number("visitor"));
    Connection& visitor = store.visitor(number);
    visitor.input += request.text("data");
    store.serve(visitor);
    if (visitor.broken) {
        store.see_off(number);
        return refuse(request, Errno::XEN_EINVAL, "that is no message of the store's protocol");
    }
    request.answer.bytes(std::string_view{visitor.output}.substr(0, most));
    visitor.output.erase(0, most);
    return {};
}

Result<> Verbs::store_leave(const Request& request) {
    steward_.household().store().see_off(u32(request.number("visitor")));
    request.answer.null();
    return {};
}

}  // namespace dom0
