// The store's client: questions, answers, and the news that come between them.
#include "store.hpp"

#include "console_ring.hpp"
#include "decimal.hpp"

#include <algorithm>

namespace kit {
namespace {

using namespace std::literals;

constexpr struct {
    std::string_view name;
    Errno code;
} errors[] = {
    {"EINVAL", Errno::XEN_EINVAL}, {"EACCES", Errno::XEN_EACCES}, {"EEXIST", Errno::XEN_EEXIST},
    {"ENOENT", Errno::XEN_ENOENT}, {"ENOSPC", Errno::XEN_ENOSPC}, {"ENOSYS", Errno::XEN_ENOSYS},
    {"EAGAIN", Errno::XEN_EAGAIN}, {"EBUSY", Errno::XEN_EBUSY},   {"E2BIG", Errno::XEN_E2BIG},
    {"EPERM", Errno::XEN_EPERM},   {"ENOMEM", Errno::XEN_ENOMEM},
};

/// The error of a name on the wire; one that we do not know is XEN_EINVAL.
Errno error_named(std::string_view name) {
    for (auto& error : errors)
        if (name.substr(0, name.find('\0')) == error.name) return error.code;
    return Errno::XEN_EINVAL;
}

/// A text as the wire has it, with the zero byte at its end.
std::string wired(std::string_view text) { return std::string{text} + '\0'; }

/// The texts of a payload, each of which ends in a zero byte.
std::vector<std::string> texts_of(std::string_view payload) {
    std::vector<std::string> texts;
    for (size_t end; (end = payload.find('\0')) != payload.npos; payload.remove_prefix(end + 1))
        texts.emplace_back(payload.substr(0, end));
    return texts;
}

}  // namespace

Result<std::string> StoreClient::read(std::string_view path, Transaction in) {
    return ask(XS_READ, in, wired(path));
}

Result<std::vector<std::string>> StoreClient::directory(std::string_view path, Transaction in) {
    return texts_of(TRY(ask(XS_DIRECTORY, in, wired(path))));
}

Result<> StoreClient::write(std::string_view path, std::string_view value, Transaction in) {
    return simply(XS_WRITE, in, wired(path).append(value));
}

Result<> StoreClient::remove(std::string_view path, Transaction in) {
    return simply(XS_RM, in, wired(path));
}

Result<StoreClient::Transaction> StoreClient::begin() {
    const std::string answer = TRY(ask(XS_TRANSACTION_START, 0, "\0"sv));
    auto number = parse_decimal(std::string_view{answer}.substr(0, answer.find('\0')));
    if (!number || *number == 0) return broken();
    return *number;
}

Result<> StoreClient::commit(Transaction transaction) {
    return simply(XS_TRANSACTION_END, transaction, "T\0"sv);
}

Result<> StoreClient::give_up(Transaction transaction) {
    return simply(XS_TRANSACTION_END, transaction, "F\0"sv);
}

Result<> StoreClient::watch(std::string_view path, std::string_view token) {
    return simply(XS_WATCH, 0, wired(path) + wired(token));
}

Result<> StoreClient::unwatch(std::string_view path, std::string_view token) {
    TRY(simply(XS_UNWATCH, 0, wired(path) + wired(token)));
    std::erase(news_, token);
    return {};
}

std::optional<std::string> StoreClient::news() {
    while (!is_broken_) {
        auto message = take_message();
        if (!message || !*message) break;
        if ((*message)->header.type == XS_WATCH_EVENT)
            note_news((*message)->payload);
        else
            (void)broken(); // an answer without a question
    }
    if (news_.empty()) return {};
    std::string token = std::move(news_.front());
    news_.erase(news_.begin());
    return token;
}

Result<> StoreClient::wait_for_news() {
    while (news_.empty()) {
        Message message = TRY(receive());
        if (message.header.type != XS_WATCH_EVENT) return broken();
        note_news(message.payload);
    }
    return {};
}

// One question, one answer

Result<> StoreClient::simply(u32 type, Transaction in, std::string_view payload) {
    TRY(ask(type, in, payload));
    return {};
}

Result<std::string> StoreClient::ask(u32 type, Transaction in, std::string_view payload) {
    if (is_broken_) return broken();
    if (payload.size() > XENSTORE_PAYLOAD_MAX) return Error{Errno::XEN_E2BIG};
    const xsd_sockmsg header = {type, ++last_request_, in, u32(payload.size())};
    TRY(send({reinterpret_cast<const char*>(&header), sizeof header}));
    TRY(send(payload));
    for (;;) {
        Message message = TRY(receive());
        if (message.header.type == XS_WATCH_EVENT) {
            note_news(message.payload);
            continue;
        }
        if (message.header.req_id != header.req_id) return broken();
        if (message.header.type == XS_ERROR) return Error{error_named(message.payload)};
        if (message.header.type != type) return broken();
        return std::move(message.payload);
    }
}

/// Path and token: the token is kept, unless it is kept already.
void StoreClient::note_news(std::string_view payload) {
    const auto texts = texts_of(payload);
    if (texts.size() < 2) return (void)broken();
    if (std::find(news_.begin(), news_.end(), texts[1]) == news_.end()) news_.push_back(texts[1]);
}

Error StoreClient::broken() {
    is_broken_ = true;
    return Error{Errno::XEN_EIO};
}

// Bytes

Result<> StoreClient::send(std::string_view bytes) {
    while (!bytes.empty()) {
        if (ring_.req_prod - load_index(ring_.req_cons) > XENSTORE_RING_SIZE) return broken();
        const size_t taken = ring_put(ring_.req, ring_.req_prod, ring_.req_cons, bytes);
        bytes.remove_prefix(taken);
        bell_.ring();
        if (taken == 0) bell_.wait();
    }
    return {};
}

/// The next message, whatever it is: waits for it.
Result<StoreClient::Message> StoreClient::receive() {
    for (;;) {
        auto message = TRY(take_message());
        if (message) return std::move(*message);
        bell_.wait();
    }
}

/// The next message, if all of it has come.
Result<std::optional<StoreClient::Message>> StoreClient::take_message() {
    char bytes[XENSTORE_RING_SIZE];
    for (;;) {
        if (is_broken_) return broken();
        Message message;
        if (heard_.size() >= sizeof message.header) {
            memcpy(&message.header, heard_.data(), sizeof message.header);
            const size_t length = message.header.len;
            if (length > XENSTORE_PAYLOAD_MAX) return broken();
            if (heard_.size() >= sizeof message.header + length) {
                message.payload = heard_.substr(sizeof message.header, length);
                heard_.erase(0, sizeof message.header + length);
                return std::optional{std::move(message)};
            }
        }
        if (load_index(ring_.rsp_prod) - ring_.rsp_cons > XENSTORE_RING_SIZE) return broken();
        const size_t count = ring_get(ring_.rsp, ring_.rsp_prod, ring_.rsp_cons, bytes);
        if (count == 0) return std::optional<Message>{};
        heard_.append(bytes, count);
        bell_.ring(); // there is room again
    }
}

}  // namespace kit
