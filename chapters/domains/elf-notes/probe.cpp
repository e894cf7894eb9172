// The lab's probe: has the reader's code read files that the check has made up.
#include <cstdio>
#include <domains/elf.hpp>
#include <iostream>
#include <string>
#include <vector>

/// A line is a file, in hexadecimal. For each its entry comes back, or why it is no kernel.
int main() {
    for (std::string digits; std::cin >> digits;) {
        std::vector<hv::u8> file;
        for (size_t at = 0; at + 1 < digits.size(); at += 2)
            file.push_back(static_cast<hv::u8>(std::stoul(digits.substr(at, 2), nullptr, 16)));
        const char* why = nullptr;
        const auto image = hv::parse_elf(file, &why);
        if (image.ok())
            std::printf("%#x\n", image->entry);
        else
            std::printf("%s\n", why);
    }
}
