// A plugin for QEMU that counts instructions within a range of addresses, at nearly full speed:
// -plugin count.so,low=HEX,high=HEX,place=HEX,place=HEX…,out=FILE. Each time the next place is
// reached, it writes a line with the count so far.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// QEMU's interface for plugins, version 1 ("QEMU TCG Plugins"); Debian packages no header of it.
extern "C" {
struct qemu_plugin_tb;
using Translated = void (*)(uint64_t plugin, qemu_plugin_tb* block);
using Reached = void (*)(unsigned cpu, void* data);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t plugin, Translated run);
void qemu_plugin_register_vcpu_tb_exec_inline(qemu_plugin_tb*, int operation, void*, uint64_t);
void qemu_plugin_register_vcpu_tb_exec_cb(qemu_plugin_tb*, Reached run, int flags, void* data);
size_t qemu_plugin_tb_n_insns(const qemu_plugin_tb*);
uint64_t qemu_plugin_tb_vaddr(const qemu_plugin_tb*);
[[gnu::visibility("default")]] extern int qemu_plugin_version;
[[gnu::visibility("default")]] int
qemu_plugin_install(uint64_t plugin, const void* machine, int count, char** words);
}

int qemu_plugin_version = 1;

namespace {

constexpr int add = 0, no_registers = 0;
constexpr size_t most_places = 8;

uint64_t low, high, counted;
uint64_t places[most_places];
size_t place_count, next_place;
FILE* out;

void on_place(unsigned, void* data) {
    if (next_place == place_count || *static_cast<uint64_t*>(data) != places[next_place]) return;
    next_place++;
    fprintf(out, "%llu\n", static_cast<unsigned long long>(counted));
    fflush(out);
}

void on_translated(uint64_t, qemu_plugin_tb* block) {
    const uint64_t at = qemu_plugin_tb_vaddr(block);
    for (size_t i = 0; i < place_count; i++)
        if (places[i] == at)
            qemu_plugin_register_vcpu_tb_exec_cb(block, on_place, no_registers, &places[i]);
    if (low <= at && at < high)
        qemu_plugin_register_vcpu_tb_exec_inline(block, add, &counted,
                                                 qemu_plugin_tb_n_insns(block));
}

}  // namespace

int qemu_plugin_install(uint64_t plugin, const void*, int count, char** words) {
    for (int i = 0; i < count; i++) {
        const char* value = strchr(words[i], '=') + 1;
        const uint64_t number = strtoull(value, nullptr, 16);
        if (strncmp(words[i], "low=", 4) == 0) low = number;
        if (strncmp(words[i], "high=", 5) == 0) high = number;
        if (strncmp(words[i], "place=", 6) == 0 && place_count < most_places)
            places[place_count++] = number;
        if (strncmp(words[i], "out=", 4) == 0) out = fopen(value, "w");
    }
    if (out == nullptr) return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(plugin, on_translated);
    return 0;
}
