// One client of the store.
#include "connection.hpp"

#include <algorithm>

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

void Connection::send(u32 type, u32 request, u32 transaction, std::string_view payload) {
    if (output.size() > most_output) broken = true;
    if (broken) return;
    xsd_sockmsg header = {type, request, transaction, u32(payload.size())};
    output.append(reinterpret_cast<const char*>(&header), sizeof header);
    output.append(payload);
}

Transaction* Connection::transaction(u32 id) {
    for (auto& candidate : transactions)
        if (candidate.id == id) return &candidate;
    return nullptr;
}

std::string Connection::absolute(std::string_view path) const {
    if (path.starts_with('/') || path.starts_with('@')) return std::string{path};
    return home() + "/" + std::string{path};
}

std::string Connection::home() const { return "/local/domain/" + decimal(domain); }

std::string decimal(u64 number) {
    std::string text;
    do
        text.push_back(char('0' + number % 10));
    while ((number /= 10) > 0);
    std::reverse(text.begin(), text.end());
    return text;
}

}  // namespace dom0
