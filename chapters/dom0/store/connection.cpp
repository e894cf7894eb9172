// One client of the store.
#include "connection.hpp"

#include <algorithm>
#include <string.h>

namespace dom0 {

std::vector<std::string_view> Message::texts() const {
    std::vector<std::string_view> found;
    std::string_view rest = payload;
    while (!rest.empty()) {
        size_t end = rest.find('\0');
        found.push_back(rest.substr(0, end));
        if (end == rest.npos) break;
        rest.remove_prefix(end + 1);
    }
    return found;
}

std::optional<Message> Connection::take_message() {
    Message message;
    if (input.size() < sizeof message.header) return {};
    memcpy(&message.header, input.data(), sizeof message.header);
    if (message.header.len > XENSTORE_PAYLOAD_MAX) {
        broken = true;
        return {};
    }
    size_t whole = sizeof message.header + message.header.len;
    if (input.size() < whole) return {};
    message.payload = input.substr(sizeof message.header, message.header.len);
    input.erase(0, whole);
    return message;
}

std::string Watch::event(std::string_view at) const {
    return wired(at.substr(at.size() > prefix ? prefix : 0)) + wired(token);
}

void Connection::send(u32 type, u32 request, u32 transaction, std::string_view payload) {
    if (output.size() > most_output) broken = true;
    if (broken) return;
    xsd_sockmsg header = {type, request, transaction, u32(payload.size())};
    output.append(reinterpret_cast<const char*>(&header), sizeof header);
    output.append(payload);
}

void Connection::owe(std::string event) {
    if (std::find(events.begin(), events.end(), event) != events.end()) return;
    if (events.size() == most_events) broken = true; // it has long stopped to listen
    if (!broken) events.push_back(std::move(event));
}

void Connection::send_events() {
    size_t sent = 0;
    for (; sent < events.size() && output.size() < XENSTORE_RING_SIZE; sent++)
        send(XS_WATCH_EVENT, 0, 0, events[sent]);
    events.erase(events.begin(), events.begin() + ptrdiff_t(sent));
}

Transaction* Connection::transaction(u32 id) {
    for (auto& candidate : transactions)
        if (candidate.id() == id) return &candidate;
    return nullptr;
}

void Connection::forget_all() {
    watches.clear();
    transactions.clear();
    events.clear();
}

std::string Connection::absolute(std::string_view path) const {
    if (path.starts_with('/') || path.starts_with('@')) return std::string{path};
    return home() + "/" + std::string{path};
}

std::string Connection::home() const { return "/local/domain/" + decimal(domain); }

}  // namespace dom0
