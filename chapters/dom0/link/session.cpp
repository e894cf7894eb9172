// The session: hello, repeats, and who has the link.
#include "session.hpp"

#include "../store/connection.hpp"

namespace dom0 {
namespace {

std::string refusal(u64 id, std::string_view name, std::string_view says) {
    std::string body{char(link_version)};
    CborWriter writer{body};
    writer.open_map().text("id").number(id).text("error").open_map();
    writer.text("name").text(name).text("says").text(says).close().close();
    return body;
}

}  // namespace

std::string_view name_of(Errno code) {
    struct Name {
        int code;
        std::string_view name;
    };
    static constexpr Name names[] = {
#define XEN_ERRNO(name, value) {value, #name},
#include <xen/errno.h>
    };
    for (auto& each : names)
        if (each.code == int(code)) return each.name;
    return "refused";
}

std::string_view Request::text(std::string_view name) const {
    const Value* value = arguments.find(name);
    return value != nullptr ? value->text : std::string_view{};
}

u64 Request::number(std::string_view name) const {
    const Value* value = arguments.find(name);
    return value != nullptr && value->kind == Value::Kind::number ? value->number : 0;
}

std::string Request::name() const {
    const Value* value = arguments.find("domain");
    if (value == nullptr) return {};
    return value->kind == Value::Kind::number ? decimal(value->number) : std::string{value->text};
}

std::optional<std::string> Session::take(std::string_view body, u64 limit) {
    if (body.empty()) return {};
    if (u8(body[0]) != link_version)
        return refusal(0, "version", "dom0 speaks version 1 of the link alone");
    auto request = read_cbor(body.substr(1));
    if (!request) return {};
    const Value* id = request->find("id");
    const Value* session = request->find("session");
    const Value* verb = request->find("do");
    if (id == nullptr || id->kind != Value::Kind::number || session == nullptr ||
        session->kind != Value::Kind::number || verb == nullptr || verb->kind != Value::Kind::text)
        return {};
    const Heading heading{id->number, session->number, verb->text};

    if (was_here(heading.session))
        return refusal(heading.id, "taken", "another client has taken the link");
    if (heading.session != owner_) {
        if (heading.verb != "hello") return refusal(heading.id, "hello", "say hello first");
    } else {
        // A repeat: its reply was lost, or is still on its way
        if (heading.id == last_id_) return last_reply_;
        if (heading.id < last_id_) return {};
    }
    last_reply_ =
        heading.verb == "hello" ? welcome(heading, limit) : answer(heading, *request);
    last_id_ = heading.id;
    return last_reply_;
}

bool Session::was_here(u64 session) const {
    for (u64 other : former_)
        if (other == session) return true;
    return false;
}

std::string Session::welcome(const Heading& heading, u64 limit) {
    if (owner_ && *owner_ != heading.session) former_.push_back(*owner_);
    if (former_.size() > remembered) former_.pop_front();
    owner_ = heading.session;
    std::string body{char(link_version)};
    CborWriter writer{body};
    writer.open_map().text("id").number(heading.id).text("ok").open_map();
    writer.text("version").number(link_version).text("limit").number(limit);
    performer_.introduce(writer);
    writer.close().close();
    return body;
}

std::string Session::answer(const Heading& heading, const Value& arguments) {
    std::string body{char(link_version)}, says;
    CborWriter writer{body};
    writer.open_map().text("id").number(heading.id).text("ok");
    auto done = performer_.perform(heading.verb, {arguments, writer, says});
    if (!done) return refusal(heading.id, name_of(done.error().code), says);
    writer.close();
    if (body.size() > longest_reply)
        return refusal(heading.id, "E2BIG", "the answer is too long for one frame");
    return body;
}

}  // namespace dom0
