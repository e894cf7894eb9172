// The tables and control blocks of a stopped machine, by hv's own code: Python brings the bytes.
#include "frozen.hpp"
#include "views.hpp"
#include <pybind11/functional.h>
#include <pybind11/stl.h>
#include <svm/vmcb.hpp>

namespace py = pybind11;

namespace hv::hosted {
namespace {

const x86::EntryFormat& format_named(const std::string& name) {
    if (name == "EPT")
        return x86::ept_format;
    if (name == "NPT")
        return x86::npt_format;
    if (name == "host")
        return x86::host_format;
    throw py::value_error("page tables are in the format EPT, NPT or host");
}

std::vector<StepView> walk_by(const std::string& format, u64 root, u64 address,
                              const std::function<u64(u64)>& read) {
    return walk_tables(format_named(format), Mpa{root}, address,
                       [&](Mpa at) { return read(at.value); });
}

void add_segments(py::dict& into, const x86::CpuState& state) {
    const std::pair<const char*, const x86::Segment*> segments[] = {
        {"cs", &state.cs}, {"ds", &state.ds}, {"es", &state.es}, {"fs", &state.fs},
        {"gs", &state.gs}, {"ss", &state.ss}, {"tr", &state.tr}, {"ldtr", &state.ldtr}};
    for (const auto& [name, segment] : segments)
        into[name] = segment->selector;
    into["fs_base"] = state.fs.base;
    into["gs_base"] = state.gs.base;
    into["gdtr"] = state.gdtr.base;
    into["idtr"] = state.idtr.base;
}

/// The registers that a VMCB's second half holds.
py::dict registers_in_vmcb(const py::bytes& bytes) {
    const auto content = static_cast<std::string_view>(bytes);
    if (content.size() != sizeof(svm::Vmcb))
        throw py::value_error("a VMCB has 4096 bytes");
    svm::Vmcb vmcb;
    __builtin_memcpy(&vmcb, content.data(), sizeof vmcb);
    x86::CpuState state;
    svm::read_state(vmcb.save, state);

    py::dict named;
    const std::pair<const char*, u64> numbers[] = {
        {"rip", state.rip}, {"rsp", state.rsp}, {"rflags", state.rflags}, {"cr0", state.cr0},
        {"cr2", state.cr2}, {"cr3", state.cr3}, {"cr4", state.cr4}, {"efer", state.efer},
        {"dr6", state.dr6}, {"dr7", state.dr7}, {"star", state.star}, {"lstar", state.lstar},
        {"kernel_gs_base", state.kernel_gs_base}, {"pat", state.pat}};
    for (const auto& [name, value] : numbers)
        named[name] = value;
    add_segments(named, state);
    return named;
}

}  // namespace

void bind_frozen(py::module_& module) {
    module.def("walk_tables", &walk_by, py::arg("format"), py::arg("root"), py::arg("address"),
               py::arg("read"));
    module.def("registers_in_vmcb", &registers_in_vmcb, py::arg("vmcb"));
}

}  // namespace hv::hosted
