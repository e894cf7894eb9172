// The lab's probe: a vCPU's local APIC, to which the check tells stories.
#include <cstdio>
#include <domains/household.hpp>
#include <domains/local_apic.hpp>
#include <iostream>
#include <native/machine.hpp>
#include <sstream>
#include <string>
#include <xen/domctl.h>

using namespace hv;

namespace {

constexpr u32 task_priority = 0x80, eoi = 0xb0, spurious = 0xf0, in_service = 0x100,
              request = 0x200;

/// The vectors of a set of 256 bits, in hexadecimal.
void print_set(const char* name, const LocalApic& apic, u32 first_offset) {
    std::printf("%s=", name);
    for (u32 vector = 0; vector < 256; ++vector)
        if (apic.page()[first_offset + vector / 32 * 0x10 + vector % 32 / 8] >> vector % 8 & 1)
            std::printf("%02x.", vector);
    std::printf(" ");
}

/// Lives through one step, and prints what came of those that ask.
void step(Vcpu& vcpu, const std::string& word, u32 number) {
    LocalApic& apic = vcpu.apic;
    if (word == "on" || word == "off") {
        apic.write_register(spurious, word == "on" ? 0x1ff : 0xff);
    } else if (word == "raise") {
        apic.raise(static_cast<u8>(number));
    } else if (word == "priority") {
        apic.write_register(task_priority, number);
    } else if (word == "end") {
        apic.write_register(eoi, 0);
    } else if (word == "take") {
        const int vector = apic.deliverable();
        if (vector >= 0)
            apic.accept(static_cast<u8>(vector));
        std::printf(vector >= 0 ? "%02x " : "none ", static_cast<unsigned>(vector));
    } else if (word == "look") {
        std::printf(vcpu.attention.exchange(0) & attention_interrupt ? "noticed " : "unnoticed ");
    }
}

/// A line is a story: steps as WORD or WORD:NUMBER. What came of it is one line, too.
void live(Vcpu& vcpu, const std::string& story) {
    vcpu.apic.reset();
    vcpu.attention = 0;
    std::istringstream steps{story};
    for (std::string word; steps >> word;) {
        const size_t colon = word.find(':');
        const std::string number = colon == word.npos ? "0" : word.substr(colon + 1);
        step(vcpu, word.substr(0, colon), static_cast<u32>(std::stoul(number, nullptr, 16)));
    }
    print_set("waiting", vcpu.apic, request);
    print_set("served", vcpu.apic, in_service);
    std::printf("\n");
}

}  // namespace

int main() {
    hosted::HostedMachine home{1, 32};
    home.as(0, [&](Cpu& cpu) {
        xen_domctl_createdomain wish{};
        wish.max_vcpus = 1;
        wish.max_grant_frames = 1;
        wish.grant_opts = XEN_DOMCTL_GRANT_version(1);
        const DomainRef domain = std::move(*create_domain(home.machine(), cpu, 0, wish));
        Vcpu& vcpu = **create_vcpu(*domain, 0);
        for (std::string story; std::getline(std::cin, story);)
            live(vcpu, story);
    });
}
