// dom0's birth from a boot module: where everything lies, and one clear line for each failure.
#include <cstdio>
#include <string>
#include <unit/small_machine.hpp>
#include <xen/arch-x86/hvm/start_info.h>

using namespace hv;
using namespace hv::test;

namespace {

/// One file of a `newc` archive, padded as the format wants it.
std::string entry(const std::string& name, const std::string& bytes) {
    char head[111];
    constexpr auto format = "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x";
    std::snprintf(head, sizeof head, format, 1, 0100644, 0, 0, 1, 0,
                  bytes.size(), 0, 0, 0, 0, name.size() + 1, 0);
    std::string all = std::string{head} + name + '\0';
    all.resize((all.size() + 3) & ~3ull);
    all += bytes;
    all.resize((all.size() + 3) & ~3ull);
    return all;
}

template <class T>
void append(std::string& to, T value) {
    to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// The smallest PVH kernel: ELF64, one segment at `address`, the entry in a note.
std::string kernel(u32 address) {
    std::string file{"\x7f" "ELF\2\1\1", 7};
    file.resize(16);
    append<u16>(file, 2), append<u16>(file, 62), append<u32>(file, 1);
    append<u64>(file, address), append<u64>(file, 64), append<u64>(file, 0);
    append<u32>(file, 0), append<u16>(file, 64), append<u16>(file, 56), append<u16>(file, 2);
    append<u16>(file, 64), append<u16>(file, 0), append<u16>(file, 0);
    const auto segment = [&](u32 type, u64 offset, u64 place, u64 bytes) {
        append<u32>(file, type), append<u32>(file, 5), append<u64>(file, offset);
        append<u64>(file, place), append<u64>(file, place), append<u64>(file, bytes);
        append<u64>(file, bytes), append<u64>(file, 4);
    };
    segment(1, 200, address, 16);
    segment(4, 176, 0, 20);
    append<u32>(file, 4), append<u32>(file, 4), append<u32>(file, 18);
    file += std::string{"Xen\0", 4};
    append<u32>(file, address);
    file.resize(200);
    return file + "sixteen letters.";
}

class Dom0 : public ::testing::Test {
protected:
    SmallMachine small{64 * MiB};

    /// Puts the module where a boot loader would, and lets dom0 be born.
    bool born(const std::string& module) {
        Machine& machine = small.machine();
        machine.options.dom0_mebibytes = 16;
        machine.facts.module_start = Mpa{40 * MiB};
        machine.facts.module_bytes = module.size();
        EXPECT_TRUE(machine.frames.take_range(owner_hypervisor, Mfn{10240}, 256).ok());
        std::copy(module.begin(), module.end(), machine.memory.at(Mpa{40 * MiB}));
        machine.facts.command_line.write("loglvl=all");
        return build_dom0(machine, small.cpu()).ok();
    }
    std::string said() { return std::string{small.machine().refusal.view()}; }
};

const std::string trailer = entry("TRAILER!!!", "");

TEST_F(Dom0, FindsItsModuleItsMemoryAndItsEntry) {
    const std::string module = entry("rc", "help\n") + entry("dom0", kernel(0x1000000)) + trailer;
    ASSERT_TRUE(born(module)) << said();
    const DomainRef dom0 = find_domain(small.machine(), 0);
    ASSERT_TRUE(dom0);
    EXPECT_TRUE(dom0->privileged);
    EXPECT_EQ(dom0->life.load(), Life::alive);
    EXPECT_EQ(dom0->frames_owned.load(), 4096u);
    EXPECT_EQ(dom0->p2m.look_up(Gfn{0x1234})->frame, Mfn{0x1234});
    EXPECT_EQ(dom0->p2m.look_up(Gfn{0x1234})->order, 9);

    const u64 info_at = dom0->vcpus[0]->hardware.gpr.rbx;
    hvm_start_info info;
    small.get(*dom0, info_at, info);
    EXPECT_EQ(info.magic, u32{XEN_HVM_START_MAGIC_VALUE});
    hvm_modlist_entry list;
    small.get(*dom0, info.modlist_paddr, list);
    EXPECT_EQ(list.size, module.size());
    EXPECT_EQ(__builtin_memcmp(small.at(*dom0, list.paddr), module.data(), module.size()), 0);
    hvm_memmap_table_entry map;
    small.get(*dom0, info.memmap_paddr, map);
    EXPECT_EQ(map.addr, 16 * MiB);
    EXPECT_STREQ(reinterpret_cast<const char*>(small.at(*dom0, info.cmdline_paddr)), "loglvl=all");
    EXPECT_EQ(__builtin_memcmp(small.at(*dom0, 0x1000000), "sixteen letters.", 16), 0);
    // Where the loader put the module is free
    EXPECT_TRUE(small.machine().frames.take_range(7, Mfn{10240}, 1).ok());
}

TEST_F(Dom0, SaysThatThereIsNoModule) {
    EXPECT_FALSE(born(""));
    EXPECT_NE(said().find("no boot module was loaded"), std::string::npos) << said();
}

TEST_F(Dom0, SaysThatTheModuleIsDamaged) {
    EXPECT_FALSE(born("not an archive at all, whatever its name may be"));
    EXPECT_NE(said().find("the boot module is damaged"), std::string::npos) << said();
}

TEST_F(Dom0, SaysThatItIsNotInTheModule) {
    EXPECT_FALSE(born(entry("hello", "x") + trailer));
    EXPECT_NE(said().find("no file called dom0"), std::string::npos) << said();
}

TEST_F(Dom0, SaysThatItIsNoKernel) {
    EXPECT_FALSE(born(entry("dom0", "#!/bin/sh\n") + trailer));
    EXPECT_NE(said().find("is no PVH kernel"), std::string::npos) << said();
}

TEST_F(Dom0, SaysThatTheKernelIsLinkedElsewhere) {
    EXPECT_FALSE(born(entry("dom0", kernel(0x100000)) + trailer));
    EXPECT_NE(said().find("link it at 16 MiB"), std::string::npos) << said();
}

TEST_F(Dom0, SaysThatItsMemoryIsTaken) {
    ASSERT_TRUE(small.machine().frames.take_range(owner_hypervisor, Mfn{0x1800}, 1).ok());
    EXPECT_FALSE(born(entry("dom0", kernel(0x1000000)) + trailer));
    EXPECT_NE(said().find("not all free"), std::string::npos) << said();
}

}  // namespace
