// The trace: how an event's sentence is filled with its values.
#include <base/trace.hpp>

namespace hv {
namespace {

/// The index of the field called `name`, or max_fields where the event has none of that name.
size_t find_field(const TraceEvent& event, std::string_view name) {
    size_t index = 0;
    while (index < event.fields.size() && event.fields[index] != name)
        ++index;
    return index;
}

}  // namespace

void tell_sentence(Sink& sink, const TraceEvent& event,
                   std::span<const u64, TraceEvent::max_fields> values) {
    std::string_view rest = event.sentence;
    while (!rest.empty()) {
        const size_t open = rest.find('{');
        const size_t close = open == rest.npos ? rest.npos : rest.find('}', open);
        if (close == rest.npos)
            break;
        sink.write(rest.substr(0, open));

        // {frame:x}: the name up to the colon, the style after it
        const std::string_view inside = rest.substr(open + 1, close - open - 1);
        const size_t colon = inside.find(':');
        const size_t field = find_field(event, inside.substr(0, colon));
        if (field < values.size())
            print(sink, colon == inside.npos ? "{}" : "{:x}", values[field]);
        else
            sink.write("{?}");
        rest.remove_prefix(close + 1);
    }
    sink.write(rest);
    sink.write("\n");
}

}  // namespace hv
