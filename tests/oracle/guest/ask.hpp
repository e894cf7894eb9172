// How a question is put and its answer told: one line each, `subject.question: variant = answer`.
#pragma once

#include <base/print.hpp>
#include <kit/guest.hpp>
#include <kit/hypercall.hpp>
#include <kit/types.hpp>
#include <kit/xen.hpp>
#include <string_view>

namespace oracle {

using namespace kit;

/// What was answered, told so that two runs agree: a number as what it says, never as a place.
struct Told {
    enum class As : u8 { result, plain, hexadecimal, text } as = As::result;
    u64 number = 0;
    std::string_view text{};

    Told(long value) : number{u64(value)} {}
    Told(int value) : number{u64(s64{value})} {}
    Told(unsigned value) : number{value} {}
    Told(bool value) : as{As::text}, text{value ? "yes" : "no"} {}
    Told(std::string_view value) : as{As::text}, text{value} {}
    Told(const char* value) : as{As::text}, text{value} {}

private:
    Told(As how, u64 value) : as{how}, number{value} {}
    friend Told hex(u64 value);
    friend Told plain(s64 value);
};

/// A number told in hexadecimal; all else is a count, or a negated errno by its name.
inline Told hex(u64 value) { return {Told::As::hexadecimal, value}; }

/// A number that is no errno though it may be negative.
inline Told plain(s64 value) { return {Told::As::plain, u64(value)}; }

/// Tells one answer. `variant` may be empty.
void tell(std::string_view question, std::string_view variant, Told answer);
inline void tell(std::string_view question, Told answer) { tell(question, {}, answer); }

/// The name of a variant that holds a number or two.
template <class... Arguments>
TextBuffer<96> words(std::string_view format, const Arguments&... arguments) {
    TextBuffer<96> text;
    hv::print(text, format, arguments...);
    return text;
}
template <size_t size>
void tell(std::string_view question, const TextBuffer<size>& variant, Told answer) {
    tell(question, variant.view(), answer);
}

/// Says something that is no answer: where the questions begin and end.
void remark(std::string_view words);

// The subjects, a room each.
void ask_acpi();
void ask_assists();
void ask_continuations();
void ask_cpuid();
void ask_events();
void ask_fifo();
void ask_grants();
void ask_hvm();
void ask_layouts();
void ask_memory();
void ask_msrs();
void ask_narrow();
void ask_numbers();
void ask_physmap();
void ask_places();
void ask_ports();
void ask_privileged();
void ask_processors();
void ask_promises();
void ask_sched();
void ask_second();
void ask_start();
void ask_time();
void ask_upcalls();
void ask_vcpu();
void ask_version();

/// Ends this domain in the way that `how` names, and tells what it finds if it still lives.
void end_by(std::string_view how);

}  // namespace oracle
