// The lab's probe: has the reader's code read memories that the check has made up.
#include <boot/start-info/start_info.hpp>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

namespace {

std::vector<hv::u8> bytes_of(const std::string& digits) {
    std::vector<hv::u8> bytes;
    for (size_t at = 0; at + 1 < digits.size(); at += 2)
        bytes.push_back(static_cast<hv::u8>(std::stoul(digits.substr(at, 2), nullptr, 16)));
    return bytes;
}

}  // namespace

/// A line is an address and a memory, both in hexadecimal. One comes back for each.
int main() {
    for (std::string address, digits; std::cin >> address >> digits;) {
        const std::vector<hv::u8> memory = bytes_of(digits);
        hvm_start_info info{};
        if (!survey::find_start_info(memory, std::stoull(address, nullptr, 16), info)) {
            std::printf("refused\n");
            continue;
        }
        const std::string words{survey::command_line(memory, info)};
        std::printf("%llu %u '%s'\n",
                    static_cast<unsigned long long>(survey::measure_ram(memory, info)),
                    survey::digest_module(memory, info), words.c_str());
    }
}
