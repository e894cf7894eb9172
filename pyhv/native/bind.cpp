// What Python sees of it all: the module pyhv._hosted. Its types are told in _hosted.pyi.
#include "calls.hpp"
#include "decode.hpp"
#include "frozen.hpp"
#include "views.hpp"
#include <kit/trace_words.hpp>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

namespace py = pybind11;
using namespace hv;
using namespace hv::hosted;

namespace {

/// Our exceptions are Python's own, from pyhv.errors.
void translate(std::exception_ptr thrown) {
    const py::object errors = py::module_::import("pyhv.errors");
    const auto raise = [&](const char* name, const char* what) {
        py::set_error(errors.attr(name), what);
    };
    try {
        std::rethrow_exception(thrown);
    } catch (const Dead& dead) {
        raise("MachineDead", dead.what());
    } catch (const NoDomain& none) {
        raise("NoSuchDomain", none.what());
    } catch (const NoMemory& none) {
        raise("NoSuchMemory", none.what());
    } catch (const NoRecord& none) {
        raise("BadTrace", none.what());
    }
}

py::dict numbers(std::span<const Constant> list) {
    py::dict named;
    for (const Constant& each : list)
        named[py::str(each.name)] = each.value;
    return named;
}

/// {"evtchn_send": (size, {"port": (offset, size)})}, as tuples and dicts.
py::tuple layout_of(const Layout& layout) {
    py::dict fields;
    for (const Field& field : layout.fields) {
        const size_t dot = field.name.rfind('.');
        const auto name = dot == field.name.npos ? field.name : field.name.substr(dot + 1);
        fields[py::str(name)] = py::make_tuple(field.offset, field.size);
    }
    return py::make_tuple(py::str(layout.name), layout.size, fields);
}

py::dict calls_by_name() {
    py::dict named;
    for (const NamedCall& call : named_calls)
        named[py::str(call.name)] = call.number;
    return named;
}

/// {("event_channel_op", "send"): (number, layout or None, version)}
py::dict operations_by_name() {
    py::dict named;
    for (const Operation& each : operations())
        named[py::make_tuple(each.call, each.name)] = py::make_tuple(
            each.number, each.layout ? py::object{layout_of(*each.layout)} : py::none{},
            each.version);
    return named;
}

void bind_views(py::module_& module) {
    py::class_<VcpuView>(module, "VcpuView")
        .def_readonly("id", &VcpuView::id)
        .def_readonly("state", &VcpuView::state)
        .def_readonly("cpu", &VcpuView::cpu)
        .def_readonly("time_running", &VcpuView::time_running);
    py::class_<DomainView>(module, "DomainView")
        .def_readonly("id", &DomainView::id)
        .def_readonly("life", &DomainView::life)
        .def_readonly("reason", &DomainView::reason)
        .def_readonly("paused", &DomainView::paused)
        .def_readonly("frames", &DomainView::frames)
        .def_readonly("frames_limit", &DomainView::frames_limit)
        .def_readonly("table_frames", &DomainView::table_frames)
        .def_readonly("hypercalls", &DomainView::hypercalls)
        .def_readonly("exits", &DomainView::exits)
        .def_readonly("vcpus", &DomainView::vcpus);
    py::class_<StepView>(module, "StepView")
        .def_readonly("level", &StepView::level)
        .def_readonly("index", &StepView::index)
        .def_readonly("at", &StepView::at)
        .def_readonly("value", &StepView::value)
        .def_readonly("kind", &StepView::kind)
        .def_readonly("frame", &StepView::frame)
        .def_readonly("bytes", &StepView::bytes)
        .def_readonly("access", &StepView::access);
    py::class_<EventView>(module, "EventView")
        .def_readonly("time", &EventView::time)
        .def_readonly("cpu", &EventView::cpu)
        .def_readonly("domain", &EventView::domain)
        .def_readonly("vcpu", &EventView::vcpu)
        .def_readonly("chapter", &EventView::chapter)
        .def_readonly("name", &EventView::name)
        .def_property_readonly("fields", [](const EventView& event) {
            py::dict fields;
            for (const auto& [name, value] : event.fields)
                fields[py::str(name)] = value;
            return fields;
        })
        .def_property_readonly("words", [](const EventView& event) {
            py::dict words;
            for (const auto& [name, word] : event.words)
                words[py::str(name)] = word;
            return words;
        })
        .def_readonly("frequent", &EventView::frequent)
        .def_readonly("sentence", &EventView::sentence)
        .def_readonly("section", &EventView::section);
}

void bind_machine(py::module_& module) {
    py::class_<HostedMachine>(module, "Machine")
        .def(py::init<unsigned, u64>(), py::arg("cpus"), py::arg("mebibytes"))
        .def("turn", &HostedMachine::turn)
        .def("hypercall", &HostedMachine::hypercall)
        .def("go_on", &HostedMachine::go_on)
        .def("halt", &HostedMachine::halt)
        .def("rest", &HostedMachine::rest)
        .def("advance", &HostedMachine::pass)
        .def("until_next_timer", &HostedMachine::until_next_timer)
        .def("ask", &HostedMachine::ask)
        .def("boot", &HostedMachine::boot)
        .def("wake", &HostedMachine::wake)
        .def("crash", &HostedMachine::crash)
        .def("domains", &list_domains)
        .def("domain", &look_at)
        .def("walk", &walk)
        .def("read", [](HostedMachine& machine, DomainId id, u64 gpa, u64 bytes) {
            return py::bytes(read_memory(machine, id, gpa, bytes));
        })
        .def("write", [](HostedMachine& machine, DomainId id, u64 gpa, const py::bytes& data) {
            write_memory(machine, id, gpa, static_cast<std::string_view>(data));
        })
        .def("dmesg", [](HostedMachine& machine) {
            return py::bytes(console_text(machine)).attr("decode")("utf-8", "replace");
        })
        .def("records", [](HostedMachine& machine, size_t from) {
            machine.collect();
            const std::span all{machine.records()};
            const std::span some = all.subspan(std::min(from, all.size()));
            return py::bytes(reinterpret_cast<const char*>(some.data()), some.size_bytes());
        })
        .def_property("traced", [](HostedMachine& machine) { return machine.machine().traced; },
                      &HostedMachine::ask_for)
        .def_property_readonly("now", [](HostedMachine& machine) {
            return machine.machine().clock.now();
        })
        .def_property_readonly("death", &HostedMachine::death)
        .def_property_readonly("lost", &HostedMachine::lost)
        .def_property_readonly("free_frames", [](HostedMachine& machine) {
            return machine.machine().frames.free_count();
        });
}

}  // namespace

PYBIND11_MODULE(_hosted, module) {
    module.doc() = "Subfloor's own code as a machine in this process; pyhv.hosted() drives it.";
    py::register_local_exception_translator(translate);
    bind_views(module);
    bind_machine(module);
    bind_frozen(module);
    module.attr("CALLS") = calls_by_name();
    module.attr("OPERATIONS") = operations_by_name();
    module.attr("CONSTANTS") = numbers(constants());
    module.attr("ERRORS") = numbers(error_names());
    module.attr("MAX_CPUS") = max_cpus;
    module.def("decode",
               [](const py::bytes& records) { return decode(std::string_view{records}); });
    module.attr("TRACE_BITS") = numbers(trace_bits());
    module.attr("EVENT_BITS") = numbers(event_bits());
    module.attr("TRACE_RECORD_BYTES") = sizeof(TraceRecord);
}
